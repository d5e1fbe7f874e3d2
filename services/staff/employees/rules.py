"""An employee with the current employment as plain data, its absences, and what is refused."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from shared.contracts.staff import Absence
from shared.errors import Refused, Unprocessable


@dataclass(frozen=True)
class AbsenceStatement:
    """Until which day (inclusive; None: open), according to news of this moment."""

    until: date | None
    at: datetime


@dataclass(frozen=True)
class HrisAbsences:
    """The newest word of the HRIS for each first day: in `absent`, and in `back`. Any order of the same news gives the same."""

    absent: Mapping[date, AbsenceStatement] = field(default_factory=dict)
    back: Mapping[date, AbsenceStatement] = field(default_factory=dict)


def apply_absence_message(
    absences: HrisAbsences, kind: Literal["absent", "back"], day: date, until: date | None, at: datetime
) -> HrisAbsences | None:
    """None if newer news of the same kind and day is known."""
    known: Mapping[date, AbsenceStatement] = getattr(absences, kind)
    if day in known and known[day].at > at:
        return None
    return replace(absences, **{kind: {**known, day: AbsenceStatement(until, at)}})


def derive_hris_absences(absences: HrisAbsences) -> list[Absence]:
    """The absences that follow: `back` ends what began on or before its day and was said earlier.

    It ends it with the day before, or with its own `until` where it names one.
    """
    found = []
    for first, said in sorted(absences.absent.items()):
        ends = [
            back.until or day - timedelta(days=1)
            for day, back in absences.back.items()
            if back.at >= said.at and first <= day
        ]
        last = min([*ends, *([said.until] if said.until else [])], default=None)
        if last is None or last >= first:
            found.append(Absence(absence_id=f"hris-{first}", from_day=first, until_day=last))
    return found


def select_unfinished_absences(entered: Iterable[Absence], hris: HrisAbsences, today: date) -> list[Absence]:
    """All absences that are not over, by their first day."""
    everything = [*entered, *derive_hris_absences(hris)]
    return sorted(
        (absence for absence in everything if absence.until_day is None or absence.until_day >= today),
        key=lambda absence: (absence.from_day, absence.absence_id),
    )


Status = Literal["active", "resigned", "left"]


@dataclass(frozen=True)
class PendingRehire:
    """A rehire that was announced at `at` while the employment that it follows had not ended yet."""

    hired_on: date
    at: datetime


@dataclass(frozen=True)
class Employee:
    """`said` has, per field, the moment of the news that it comes from; a field that no news has set is absent.

    `opened_at` is the moment of the rehire that opened the employment: older news is of an earlier employment.
    """

    id: str
    employment_id: str
    hired_on: date
    name: str = ""
    email: str = ""
    position: str | None = None
    department_id: str | None = None
    manager_id: str | None = None
    deputy_id: str | None = None
    functions: Mapping[str, float] = field(default_factory=dict)
    regions: Sequence[str] = ()
    languages: Sequence[str] = ()
    absences: Sequence[Absence] = ()
    hris_absences: HrisAbsences = field(default_factory=HrisAbsences)
    status: Status = "active"
    notice_on: date | None = None
    last_day: date | None = None
    ends_on: date | None = None
    left_on: date | None = None
    opened_at: datetime | None = None
    rehired: PendingRehire | None = None
    said: Mapping[str, datetime] = field(default_factory=dict)
    version: int = 1


def build_public_state(person: Employee, today: date) -> dict[str, Any]:
    """What every event about an employee carries. Absences that are over are left out."""
    return {
        "employee_id": person.id,
        "employment_id": person.employment_id,
        "status": person.status,
        "department_id": person.department_id,
        "manager_id": person.manager_id,
        "deputy_id": person.deputy_id,
        "functions": dict(person.functions),
        "regions": list(person.regions),
        "languages": list(person.languages),
        "hired_on": person.hired_on,
        "absences": select_unfinished_absences(person.absences, person.hris_absences, today),
    }


def list_caretaker_candidates(person: Employee, heads: Iterable[str], last_resort: str | None) -> list[str]:
    """Candidates in order: deputy, manager, `heads` of the departments upward, last resort; each once, never the leaver."""
    wanted = (person.deputy_id, person.manager_id, *heads, last_resort)
    return list(dict.fromkeys(id for id in wanted if id and id != person.id))


def determine_notice_day(person: Employee) -> date | None:
    """The day of notice; where nobody has said it, the day on which the departure was announced."""
    if person.notice_on is None and person.status == "resigned" and "status" in person.said:
        return min(person.said["status"].date(), person.last_day or date.max)
    return person.notice_on


@dataclass(frozen=True)
class FormerEmployment:
    """An employment that is over, as it is kept."""

    employment_id: str
    hired_on: date
    notice_on: date | None
    last_day: date | None
    ends_on: date | None
    left_on: date | None


def select_newest_facts(said: Mapping[str, datetime], facts: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """The facts about which nothing newer is known. Of two said at the same moment the later arrival counts."""
    return {name: value for name, value in facts.items() if name not in said or said[name] <= at}


def set_facts(person: Employee, facts: Mapping[str, Any], at: datetime) -> Employee:
    """The person with these facts, each remembered as said at this moment."""
    return replace(person, **facts, said={**person.said, **dict.fromkeys(facts, at)})


def determine_decision_time(person: Employee, now: datetime) -> datetime:
    """The moment of a person's decision: now, but never before what is known, whose clock may be a little ahead."""
    return max([now, *([person.opened_at] if person.opened_at else []), *person.said.values()])


ERASED_NAME = "(erased)"  # stands where a name stood that must not be empty


class UnknownManager(Unprocessable, code="unknown_manager"):
    """There is no employee with the id given as manager. Register the manager first."""


class UnknownDeputy(Unprocessable, code="unknown_deputy"):
    """There is no employee with the id given as deputy."""


class ManagerCycle(Refused, code="manager_cycle"):
    """This would make somebody their own manager, directly or by way of others."""


class OwnDeputy(Unprocessable, code="own_deputy"):
    """Nobody is their own deputy. Name a colleague."""


class DeputyIsLeaving(Refused, code="deputy_is_leaving"):
    """The deputy must work here and must not be leaving. Name another colleague."""


class BeforeHired(Unprocessable, code="before_hired"):
    """The dates are in the wrong order: this day is before the one on which the employment began."""


class HiredBeforeLeft(Unprocessable, code="hired_before_left"):
    """The dates are in the wrong order: a new employment begins after the last day of the one before."""


class AbsenceEndsBeforeItBegins(Unprocessable, code="absence_ends_before_it_begins"):
    """The dates are in the wrong order: `until` is before `from`."""


class TooManyAbsences(Unprocessable, code="too_many_absences"):
    """This employee has too many absences on record. Delete those that are over."""


class Erased(Refused, code="erased"):
    """This person's data was erased, and the id belongs to nobody any more. Who comes back is registered under a new id."""
