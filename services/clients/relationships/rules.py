"""Who of us knows a client, and how well: by the meetings, calls and mails of twelve months.

    score = meetings + 0.5 calls + 0.1 mails        from 1 on an employee knows the client

One meeting, two calls or ten mails in a year: about what it takes until a client picks up when this employee rings. A call
is half a meeting, for nobody is seen; a mail little, since most go to many at once. After a year without any of it
people change and forget. What is only planned counts nothing, for it may not take place; so one who never met the client
cannot come to know it by a full calendar.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

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


def compute_acquaintance_score(met: Mapping[InteractionKind, int]) -> Decimal:
    return sum((INTERACTION_WEIGHTS[kind] * number for kind, number in met.items()), Decimal(0))


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


@dataclass(frozen=True)
class Acquaintance:
    """One of us who works here, and how well they know a client. `stays`: they are neither leaving nor frozen."""

    employee_id: str
    score: Decimal
    stays: bool

    @property
    def knows(self) -> bool:
        return self.score >= MIN_KNOWING_SCORE


@dataclass(frozen=True)
class ClientDependency:
    """By how many who stay a client is known. If by one at most it hangs on `alone_id`, and `why` says how."""

    known_by: int
    alone_id: str | None = None
    why: DependencyReason | None = None


def find_client_dependency(acquaintances: Iterable[Acquaintance], owner_id: str, owner_stays: bool) -> ClientDependency:
    """If nobody knows the client, whoever has it in hand counts as the one.

    Whom only people know who are leaving hangs on the best known of them: it goes where they go.
    """
    known = sorted((one for one in acquaintances if one.knows), key=lambda one: (-one.score, one.employee_id))
    staying = [one for one in known if one.stays]
    if len(staying) > 1:
        return ClientDependency(len(staying))
    if staying:
        return ClientDependency(1, staying[0].employee_id, "known_by_one")
    if known:
        return ClientDependency(0, known[0].employee_id, "only_leaving")
    return ClientDependency(int(owner_stays), owner_id, "owner_alone")


@dataclass(frozen=True, slots=True)
class InteractionsOfEmployee:
    """How often one of us met a client within twelve months."""

    employee_id: str
    score: Decimal
    is_employed: bool
    stays: bool
    meetings: int
    calls: int
    mails: int
    last_at: datetime

    @property
    def knows(self) -> bool:
        return self.score >= MIN_KNOWING_SCORE


@dataclass(frozen=True, slots=True)
class ClientKnowledge:
    """Who met a client, the one who knows it best first. `count`: how many who stay know it."""

    client_id: str
    known_by: Sequence[InteractionsOfEmployee]
    count: int
    strongest_id: str | None
    alone_id: str | None
    why: DependencyReason | None
    computed_at: datetime
