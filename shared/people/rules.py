"""How somebody stands: employed, frozen, absent, able to own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from shared.contracts.clients import Ground
from shared.errors import Refused, Unprocessable

ERASED_TEXT = "(erased)"  # where something must stand that said who somebody was


@dataclass(frozen=True)
class FreezeOutcome:
    """How a person stands after a freeze or unfreeze. `changed` says whether this call did it.

    Of a freeze that has just ended, `stand_in_id` and `frozen_at` are what they were.
    """

    employee_id: str
    employment_id: str | None
    frozen: bool
    stand_in_id: str | None
    unowned: bool
    grounds: tuple[Ground, ...]
    case_id: str | None
    frozen_at: datetime | None
    changed: bool


class NotEmployed(Refused, code="not_employed"):
    """This person does not work here (any more)."""


class Frozen(Refused, code="frozen"):
    """This person's access is frozen."""


class UnknownEmployee(Unprocessable, code="unknown_employee"):
    """No employee with this id has been heard of. Register them in `staff` first; it takes a moment to arrive here."""


@dataclass(frozen=True)
class Person:
    """A row of the copy. `heard` is the sequence of the newest event; somebody frozen before they were heard of has no status."""

    employee_id: str
    heard: int
    employment_id: str | None
    status: Literal["active", "resigned", "left"] | None
    department_id: str | None
    manager_id: str | None
    deputy_id: str | None
    functions: Mapping[str, float]
    regions: Sequence[str]
    languages: Sequence[str]
    absences: Sequence[Mapping[str, str | None]]
    hired_on: date | None
    stand_in_id: str | None
    frozen: bool
    frozen_at: datetime | None
    unowned: bool
    settling: bool
    unacknowledged_from: date | None

    @property
    def is_known(self) -> bool:
        """Whether anything was heard of this person; a row may stand for an id that was only locked."""
        return self.status is not None or self.frozen

    @property
    def is_employed(self) -> bool:
        return self.status in ("active", "resigned")

    @property
    def is_barred(self) -> bool:
        """Frozen, or left: they have no role but `employee`."""
        return self.frozen or self.status == "left"

    @property
    def may_be_given_work(self) -> bool:
        """Employed, not frozen, and nothing of an earlier employment is still to be settled."""
        return self.is_employed and not self.frozen and not self.settling


def is_absent(absences: Sequence[Mapping[str, str | None]], day: date) -> bool:
    """Whether one of the absences (`from_day`, `until_day` or none, both as ISO 8601) is on this day."""
    return any(
        (absence["from_day"] or "") <= day.isoformat() <= (absence["until_day"] or "9999-12-31") for absence in absences
    )


def list_caretaker_candidates(
    leaver_id: str, deputy_id: str | None, manager_id: str | None, heads: Sequence[str], last_resort: str | None
) -> list[str]:
    """Deputy, manager, `heads` of the departments upward, last resort, in this order; each once, never the leaver."""
    wanted = (deputy_id, manager_id, *heads, last_resort)
    return list(dict.fromkeys(id for id in wanted if id and id != leaver_id))


def choose_caretaker(people: Mapping[str, Person], candidates: Sequence[str], leaver: str, day: date) -> str | None:
    """The first candidate who may be given work and is not absent, but not the leaver."""
    for candidate in candidates:
        person = people.get(candidate)
        if candidate != leaver and person and person.may_be_given_work and not is_absent(person.absences, day):
            return candidate
    return None


def require_may_be_given_work(people: Mapping[str, Person], employee_id: str) -> None:
    """Raises `UnknownEmployee`, `NotEmployed` or `Frozen` unless this person may be given clients or stages."""
    person = people.get(employee_id)
    if person is None or not person.is_known:
        raise UnknownEmployee
    if person.status == "left":
        raise NotEmployed
    if person.frozen or person.settling:
        raise Frozen
