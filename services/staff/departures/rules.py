"""The life of an employment, told by updates that may arrive in any order: the newest word counts, field by field.

Every field remembers when it was said, so the state is the same in whatever order the updates arrive.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from services.staff.employees.rules import (
    Employee,
    EmployeeFacts,
    PendingRehire,
    Status,
    build_event,
    determine_notice_day,
    get_facts,
    record_facts,
    select_newest_facts,
)
from shared.contracts.staff import (
    DepartureHeld,
    DepartureRejected,
    DepartureReversed,
    EmployeeChanged,
    EmployeeEvent,
    EmployeeLeft,
    EmployeeRehired,
    EmployeeResigned,
    ResignationChanged,
    ResignationWithdrawn,
)
from shared.errors import Forbidden, Refused

LifeChangeKind = Literal["resigned", "changed", "withdrawn", "left", "reversed", "rehired"]
HoldState = Literal["held", "confirmed", "rejected"]
LIFE_DAYS = ("notice_on", "last_day", "ends_on", "left_on")  # empty as long as nobody leaves

UNDOING_EVENTS = (ResignationWithdrawn, DepartureReversed, DepartureRejected)
DEPARTURE_EVENTS = (EmployeeResigned, ResignationChanged, EmployeeLeft, DepartureHeld)

MIN_DEPARTURES_ALLOWED = 3
MAX_FROZEN_PERCENT = 10  # of staff that may be frozen on a mere suspicion


class AlreadyLeft(Refused, code="already_left"):
    """This person has left. Undo a mistake by a reversal of the departure; who comes back is rehired."""


class NotResigned(Refused, code="not_resigned"):
    """There is no resignation to withdraw."""


class NotLeft(Refused, code="not_left"):
    """This person has not left, so there is neither a departure to reverse nor anybody to rehire."""


class LeftWithOtherDate(Refused, code="left_with_other_date"):
    """This person has left on another day. If that was a mistake, reverse the departure first."""


class OwnCase(Forbidden, code="own_case"):
    """Nobody acts on their own case. Another person of `hr` has to do this."""


class HoldDecidedOtherwise(Refused, code="hold_decided"):
    """This hold was decided before, the other way."""


@dataclass(frozen=True)
class EmploymentUpdate:
    """What was said about an employment, and when. `left_or_hired_on`: the last day worked (`left`), or the first (`rehired`)."""

    kind: LifeChangeKind
    at: datetime
    notice_on: date | None = None
    last_day: date | None = None
    ends_on: date | None = None
    left_or_hired_on: date | None = None


@dataclass(frozen=True)
class UpdatedEmployment:
    """The employee after an update; `former` is who they were at the end of the employment that a rehire followed.

    `is_outdated`: something newer was said otherwise.
    """

    employee: Employee
    former: Employee | None = None
    is_outdated: bool = False


@dataclass(frozen=True)
class LifeChange:
    kind: str
    at: datetime
    by_id: str
    status: str
    notice_on: date | None
    last_day: date | None
    ends_on: date | None
    left_on: date | None
    reason: str | None


@dataclass(frozen=True)
class Employment:
    """Nothing is ever overwritten: `changes` has every word that was said."""

    employment_id: str
    hired_on: date
    status: Status
    notice_on: date | None
    last_day: date | None
    ends_on: date | None
    left_on: date | None
    changes: Sequence[LifeChange]


@dataclass(frozen=True)
class HeldDeparture:
    """A departure that the brake held. `frozen`: access is refused until somebody decides."""

    id: str
    source_id: str
    employee_id: str
    employment_id: str
    kind: LifeChangeKind
    notice_on: date | None
    last_day: date | None
    ends_on: date | None
    left_on: date | None
    said_at: datetime
    held_at: datetime
    frozen: bool
    state: HoldState
    decided_by: str | None
    decided_at: datetime | None


# -- updates -----------------------------------------------------------------------------------------------------------


def _facts_of_update(update: EmploymentUpdate) -> EmployeeFacts:
    """What the update says, field by field. What it does not mention stays as it was said before."""
    match update.kind:
        case "resigned" | "changed":
            given = (name for name in ("notice_on", "last_day", "ends_on") if getattr(update, name) is not None)
            return {"status": "resigned", "left_on": None, **get_facts(update, given)}
        case "left":
            return {"status": "left", "left_on": update.left_or_hired_on}
        case "withdrawn" | "reversed":
            return {"status": "active", "notice_on": None, "last_day": None, "ends_on": None, "left_on": None}
        case "rehired":
            return (
                {"rehired": PendingRehire(update.left_or_hired_on, update.at)}
                if update.left_or_hired_on is not None
                else {}
            )


def apply_employment_update(employee: Employee, update: EmploymentUpdate, next_employment_id: str) -> UpdatedEmployment:
    """The employee after the update. `next_employment_id` is used if it opens a new employment.

    What was said before the current employment began never touches it. A rehire of somebody who has not left is
    remembered: the departure that it follows may be still on its way.
    """
    if employee.opened_at is not None and update.at < employee.opened_at:
        return UpdatedEmployment(employee, is_outdated=True)
    facts = select_newest_facts(employee.said, _facts_of_update(update), update.at)
    if update.kind == "rehired" and employee.status == "active" and update.left_or_hired_on == employee.hired_on:
        return UpdatedEmployment(employee, is_outdated=not facts)
    after = record_facts(employee, facts, update.at)
    rehire = after.rehired
    if rehire is not None and after.status != "active" and rehire.at >= after.said.get("status", rehire.at):
        return _open_next_employment(after, rehire, next_employment_id)
    # An older word may still fill in what newer ones left out, such as the day of notice.
    is_news = "rehired" in facts or "status" in facts or _public_life(employee) != _public_life(after)
    return UpdatedEmployment(after, is_outdated=not is_news)


def _open_next_employment(employee: Employee, rehire: PendingRehire, employment_id: str) -> UpdatedEmployment:
    left_on = employee.left_on or employee.last_day or rehire.hired_on - timedelta(days=1)
    life = ("status", *LIFE_DAYS, "hired_on", "rehired")
    after = replace(
        employee,
        employment_id=employment_id,
        hired_on=rehire.hired_on,
        status="active",
        notice_on=None,
        last_day=None,
        ends_on=None,
        left_on=None,
        opened_at=rehire.at,
        rehired=None,
        said={name: at for name, at in employee.said.items() if name not in life},
    )
    return UpdatedEmployment(after, replace(employee, status="left", left_on=left_on))


def _public_life(employee: Employee) -> list[object]:
    """Equal where nothing has happened."""
    return [getattr(employee, name) for name in ("employment_id", "status", *LIFE_DAYS)]


# -- announcements -----------------------------------------------------------------------------------------------------


def build_announcements(
    before: Employee,
    after: Employee,
    caretakers: Sequence[str],
    today: date,
    timezone: str,
    former: Employee | None = None,
) -> list[EmployeeEvent]:
    """The events that tell what has become of an employment; none where nothing public has."""
    if former is not None:
        gone = replace(before, status="left", left_on=former.left_on)
        return [*_announce_life(before, gone, caretakers, today, timezone), build_event(EmployeeRehired, after, today)]
    if _public_life(before) != _public_life(after):
        return _announce_life(before, after, caretakers, today, timezone)
    return []


def _announce_life(
    before: Employee, after: Employee, caretakers: Sequence[str], today: date, timezone: str
) -> list[EmployeeEvent]:
    leaver = before if after.status == "active" else after
    notice_on = determine_notice_day(leaver, timezone)
    dates = {"notice_on": notice_on, "last_day": leaver.last_day, "ends_on": leaver.ends_on}
    match before.status, after.status:
        case "active", "resigned":
            return [build_event(EmployeeResigned, after, today, **dates, caretakers=caretakers)]
        # Somebody who has left works here until a later day after all: the same departure, with another date.
        case "resigned" | "left", "resigned":
            return [build_event(ResignationChanged, after, today, **dates)]
        case "left", "left" if before.left_on == after.left_on:
            return []
        case _, "left":
            return [build_event(EmployeeLeft, after, today, **dates, left_on=after.left_on, caretakers=caretakers)]
        case "resigned", "active":
            return [build_event(ResignationWithdrawn, after, today, **dates)]
        case "left", "active":
            return [build_event(DepartureReversed, after, today, **dates, left_on=before.left_on)]
        case _:
            return [build_event(EmployeeChanged, after, today)]


# -- the brake ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DepartureCount:
    """Departures of one source on one day, the staff as the day began, and how many held departures are frozen now."""

    departure_count: int
    staff_count: int
    frozen_hold_count: int


def compute_departure_limit(setting: str, staff_count: int) -> int:
    """How many departures a source may announce on one day: a share (`5%`, at least 3), or a plain number as it is."""
    if setting.endswith("%"):
        return max(MIN_DEPARTURES_ALLOWED, int(float(setting[:-1]) * staff_count / 100))
    return int(float(setting))


def may_freeze_held_departure(is_freeze_wanted: bool, frozen_hold_count: int, staff_count: int) -> bool:
    """Whether one more of those held may be frozen, while `frozen_hold_count` of them are."""
    return is_freeze_wanted and (frozen_hold_count + 1) * 100 <= MAX_FROZEN_PERCENT * staff_count


def is_new_departure(before: Employee, after: Employee) -> bool:
    """Whether this is a departure that nobody announced before: only such count for the brake."""
    return before.employment_id == after.employment_id and before.status == "active" and after.status != "active"
