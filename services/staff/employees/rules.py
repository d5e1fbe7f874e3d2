"""An employee with the current employment as plain data, the absences, and what is refused."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple, TypedDict, TypeVar, cast

from shared.calendar import get_local_day
from shared.contracts.staff import Absence, EmployeeEvent
from shared.errors import HoldfastError, Refused, Unprocessable

MAX_ABSENCES = 500

Status = Literal["active", "resigned", "left"]
E = TypeVar("E", bound=EmployeeEvent)


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


class EmployeeIsErased(Refused, code="erased"):
    """This person's data was erased, and the id belongs to nobody any more. Who comes back is registered under a new id."""


class AbsenceStatement(NamedTuple):
    """Until which day (inclusive; None: open) somebody is absent, according to the HRIS at this moment."""

    until: date | None
    at: datetime


@dataclass(frozen=True)
class AbsenceStatements:
    """What the HRIS said last of each first day, in `absent` and in `back`: the same in whatever order it was heard."""

    absent: Mapping[date, AbsenceStatement] = field(default_factory=dict)
    back: Mapping[date, AbsenceStatement] = field(default_factory=dict)


@dataclass(frozen=True)
class PendingRehire:
    """A rehire that was announced at `at` while the employment that it follows had not ended yet."""

    hired_on: date
    at: datetime


class EmployeeFacts(TypedDict, total=False):
    """The fields of an employee that are said anew."""

    name: str
    email: str
    position: str | None
    department_id: str | None
    manager_id: str | None
    deputy_id: str | None
    functions: Mapping[str, float]
    regions: Sequence[str]
    languages: Sequence[str]
    hired_on: date
    status: Status
    notice_on: date | None
    last_day: date | None
    ends_on: date | None
    left_on: date | None
    rehired: PendingRehire


@dataclass(frozen=True)
class Employee:
    """`said` has, per field, the moment of the update that it comes from; a field that no update has set is not in it.

    `opened_at` is the moment of the rehire that opened the employment: what was said before is of an earlier employment.
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
    hris_absences: AbsenceStatements = field(default_factory=AbsenceStatements)
    status: Status = "active"
    notice_on: date | None = None
    last_day: date | None = None
    ends_on: date | None = None
    left_on: date | None = None
    opened_at: datetime | None = None
    rehired: PendingRehire | None = None
    said: Mapping[str, datetime] = field(default_factory=dict)
    version: int = 1

    @property
    def all_absences(self) -> list[Absence]:
        """Those that people entered, then those of the HRIS."""
        return [*self.absences, *derive_hris_absences(self.hris_absences)]


# -- what was said, and when -------------------------------------------------------------------------------------------


def get_facts(source: object, names: Iterable[str]) -> EmployeeFacts:
    """The fields of these names, of whatever has them as an employee has."""
    return cast("EmployeeFacts", {name: getattr(source, name) for name in names})


def select_newest_facts(said_at_by_field: Mapping[str, datetime], facts: EmployeeFacts, at: datetime) -> EmployeeFacts:
    """The facts about which nothing newer is known. Of two said at the same moment the later arrival counts."""
    newest = {
        name: value for name, value in facts.items() if name not in said_at_by_field or said_at_by_field[name] <= at
    }
    return cast("EmployeeFacts", newest)


def record_facts(employee: Employee, facts: EmployeeFacts, at: datetime) -> Employee:
    """The employee with these facts, each remembered as said at this moment."""
    return replace(employee, **facts, said={**employee.said, **dict.fromkeys(facts, at)})


def determine_decision_time(employee: Employee, now: datetime) -> datetime:
    """The moment of a person's decision: now, but never before what is known, whose clock may be a little ahead."""
    return max([now, *([employee.opened_at] if employee.opened_at else []), *employee.said.values()])


def record_decided_facts(employee: Employee, facts: EmployeeFacts, now: datetime) -> Employee:
    """The employee with these facts as a person decides them now."""
    return record_facts(employee, facts, determine_decision_time(employee, now))


def determine_notice_day(employee: Employee, timezone: str) -> date | None:
    """The day of notice; where nobody has said it, the day on which the departure was announced."""
    if employee.notice_on is None and employee.status == "resigned" and "status" in employee.said:
        return min(get_local_day(employee.said["status"], timezone), employee.last_day or date.max)
    return employee.notice_on


def find_first_day_refusal(
    employee: Employee, hired_on: date, former_left_on: date | None
) -> type[HoldfastError] | None:
    """Why this cannot be the first day: it lies after the end of this employment, or not after the one before."""
    if any(end is not None and end < hired_on for end in (employee.last_day, employee.left_on)):
        return BeforeHired
    return HiredBeforeLeft if former_left_on is not None and former_left_on >= hired_on else None


def find_deputy_refusal(status: Status | None) -> type[HoldfastError] | None:
    """Why an employee of this status cannot be a deputy. None: there is no such employee."""
    if status is None:
        return UnknownDeputy
    return None if status == "active" else DeputyIsLeaving


def build_event(event: type[E], employee: Employee, today: date, **details: object) -> E:
    """An event about an employee carries their whole public state. Absences that are over are left out."""
    public = {name: value for name, value in vars(employee).items() if name in EmployeeEvent.model_fields}
    public |= {"employee_id": employee.id, "absences": select_unfinished_absences(employee.all_absences, today)}
    return event.model_validate({**public, **details})


# -- absences ----------------------------------------------------------------------------------------------------------


def apply_absence_message(
    absences: AbsenceStatements, kind: Literal["absent", "back"], day: date, until: date | None, at: datetime
) -> AbsenceStatements | None:
    """None if something newer of the same kind and day is known."""
    known: Mapping[date, AbsenceStatement] = getattr(absences, kind)
    if day in known and known[day].at > at:
        return None
    return replace(absences, **{kind: {**known, day: AbsenceStatement(until, at)}})


def derive_hris_absences(absences: AbsenceStatements) -> list[Absence]:
    """The absences that follow: `back` ends what began on or before its day and was said earlier.

    It ends it with the day before, or with its own `until` where it names one.
    """
    found = []
    for first, absent in sorted(absences.absent.items()):
        ends = [
            back.until or day - timedelta(days=1)
            for day, back in absences.back.items()
            if back.at >= absent.at and first <= day
        ]
        last = min([*ends, *([absent.until] if absent.until else [])], default=None)
        if last is None or last >= first:
            found.append(Absence(absence_id=f"hris-{first}", from_day=first, until_day=last))
    return found


def select_unfinished_absences(absences: Iterable[Absence], today: date) -> list[Absence]:
    """Those that are not over, by their first day."""
    return sorted(
        (absence for absence in absences if absence.until_day is None or absence.until_day >= today),
        key=lambda absence: (absence.from_day, absence.absence_id),
    )
