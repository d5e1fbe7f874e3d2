"""The record of an erasure, what may be said in it, and what is refused."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.errors import Refused, Unprocessable


class StillWorksHere(Refused, code="still_works_here"):
    """This person works here. Their data can be erased when they have left."""


class CaseNotClosed(Refused, code="case_is_open"):
    """The handover of this person is not closed, or has not begun. Clear the case in `offboarding` first."""


class HeldByLaw(Refused, code="held_by_law"):
    """A legal hold keeps what the journal says of this person. End the hold first."""


class ReasonNamesThem(Unprocessable, code="reason_names_them"):
    """The reason is kept with the act of the erasure, so it must not name the person. Say it without name and address."""


@dataclass(frozen=True)
class ServiceErasure:
    """What one service erased; `staff` with who asked for it and why."""

    service: str
    at: datetime
    by_id: str
    reason: str | None
    emptied_counts: Mapping[str, int]
    is_held: bool


@dataclass(frozen=True)
class ErasureRecord:
    """`what`: by service how many of each kind were emptied. `waiting_for` have not answered yet; `held` keep under whom
    the journal names this person until a legal hold ends."""

    id: str
    erased_at: datetime
    by_id: str
    reason: str
    what: Mapping[str, Mapping[str, int]]
    waiting_for: Sequence[str]
    held: Sequence[str]


def is_named_in(reason: str, name: str, email: str) -> bool:
    """Whether the reason tells who it was: by the address, or a word of the name."""
    said = set(re.findall(r"\w+", reason.casefold()))
    words = {word for word in re.findall(r"\w+", name.casefold()) if len(word) > 2}
    return email.casefold() in reason.casefold() or bool(words & said)
