"""Who of us knows a client, and how well: by the meetings, calls and mails of twelve months.

    score = meetings + 0.5 calls + 0.1 mails        from 1 on an employee knows the client

One meeting, two calls or ten mails in a year: about what it takes until a client picks up when this employee rings. A call
is half a meeting, for nobody is seen; a mail little, since most go to many at once. After a year without any of it
people change and forget. What is only planned counts nothing, for it may not take place; so one who never met the client
cannot come to know it by a full calendar.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

InteractionKind = Literal["meeting", "call", "mail"]
DependencyReason = Literal["known_by_one", "only_leaving", "owner_alone"]
INTERACTION_WEIGHTS: Mapping[InteractionKind, Decimal] = {
    "meeting": Decimal("1"),
    "call": Decimal("0.5"),
    "mail": Decimal("0.1"),
}
MIN_KNOWING_SCORE = Decimal("1")


def get_year_before(now: datetime) -> datetime:
    """What is later than this is within twelve months. A year before the 29th of February it was the 28th."""
    try:
        return now.replace(year=now.year - 1)
    except ValueError:
        return now.replace(year=now.year - 1, day=28)


@dataclass(frozen=True, slots=True)
class Interaction:
    """That one of us met a client, or called or wrote to it."""

    id: str
    client_id: str
    employee_id: str
    kind: str
    at: datetime
    summary: str | None


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a client said of us, from 0 to 10."""

    id: str
    client_id: str
    score: int
    note: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class AcquaintanceShown:
    """One who met the client within twelve months. `knows`: from a score of 1 on; `stays`: works here, and is neither
    leaving nor frozen."""

    employee_id: str
    score: Annotated[float, Field(description="meetings + 0.5 calls + 0.1 mails")]
    knows: bool
    stays: bool
    meetings: int
    calls: int
    mails: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ClientKnowledgeShown:
    client_id: str
    known_by: Annotated[Sequence[AcquaintanceShown], Field(description="the one who knows it best comes first")]
    count: Annotated[
        int, Field(description="how many who stay know the client; whoever has it in hand counts, if nobody does")
    ]
    strongest_id: Annotated[str | None, Field(description="who of those who stay knows it best")]
    alone_id: Annotated[str | None, Field(description="on whom the client hangs, if `count` is one at most")]
    why: DependencyReason | None
    computed_at: datetime
