"""The life of an employment, told by updates that may arrive in any order: the newest word counts, field by field."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from services.staff.employees.rules import (
    Employee,
    FormerEmployment,
    PendingRehire,
    build_public_state,
    determine_notice_day,
    select_newest_facts,
    set_facts,
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


@dataclass(frozen=True)
class EmploymentUpdate:
    """What was said about an employment, and when. `day` is the last day worked (`left`) or the first one (`rehired`)."""

    kind: LifeChangeKind
    at: datetime
    notice_on: date | None = None
    last_day: date | None = None
    ends_on: date | None = None
    day: date | None = None


@dataclass(frozen=True)
class UpdatedEmployment:
    """The person after the news; `former` is the employment that a rehire ended. `old`: newer news said otherwise."""

    person: Employee
    former: FormerEmployment | None = None
    old: bool = False


def _facts_of_update(news: EmploymentUpdate) -> dict[str, Any]:
    """What the news says, field by field. What it does not mention stays as it was said before."""
    match news.kind:
        case "resigned" | "changed":
            dates = {"notice_on": news.notice_on, "last_day": news.last_day, "ends_on": news.ends_on}
            given = {name: day for name, day in dates.items() if day is not None}
            return {"status": "resigned", "left_on": None, **given}
        case "left":
            return {"status": "left", "left_on": news.day}
        case "withdrawn" | "reversed":
            return {"status": "active", "notice_on": None, "last_day": None, "ends_on": None, "left_on": None}
        case "rehired":
            return {"rehired": PendingRehire(news.day, news.at)} if news.day is not None else {}


def apply_employment_update(person: Employee, news: EmploymentUpdate, next_employment_id: str) -> UpdatedEmployment:
    """Takes the news in. `next_employment_id` is used if it opens a new employment.

    News from before the current employment never touches it. A rehire of somebody who has not left is remembered: the
    departure that it follows may be still on its way.
    """
    if person.opened_at is not None and news.at < person.opened_at:
        return UpdatedEmployment(person, old=True)
    facts = select_newest_facts(person.said, _facts_of_update(news), news.at)
    if news.kind == "rehired" and person.status == "active" and news.day == person.hired_on:
        return UpdatedEmployment(person, old=not facts)
    after = set_facts(person, facts, news.at)
    rehire = after.rehired
    if rehire is not None and after.status != "active" and rehire.at >= after.said.get("status", rehire.at):
        return _open_next_employment(after, rehire, next_employment_id)
    # An older word may still fill in what newer ones left out, such as the day of notice.
    told = "rehired" in facts or "status" in facts or _public_life(person) != _public_life(after)
    return UpdatedEmployment(after, old=not told)


def _open_next_employment(person: Employee, rehire: PendingRehire, employment_id: str) -> UpdatedEmployment:
    former = FormerEmployment(
        employment_id=person.employment_id,
        hired_on=person.hired_on,
        notice_on=person.notice_on,
        last_day=person.last_day,
        ends_on=person.ends_on,
        left_on=person.left_on or person.last_day or rehire.hired_on - timedelta(days=1),
    )
    life = ("status", "notice_on", "last_day", "ends_on", "left_on", "hired_on", "rehired")
    after = replace(
        person,
        employment_id=employment_id,
        hired_on=rehire.hired_on,
        status="active",
        notice_on=None,
        last_day=None,
        ends_on=None,
        left_on=None,
        opened_at=rehire.at,
        rehired=None,
        said={name: at for name, at in person.said.items() if name not in life},
    )
    return UpdatedEmployment(after, former)


def _public_life(person: Employee) -> tuple[Any, ...]:
    """What is public of the employment's life; equal where nothing has happened."""
    return (
        person.employment_id,
        person.status,
        person.notice_on,
        person.last_day,
        person.ends_on,
        person.left_on,
    )


def build_announcements(
    before: Employee, after: Employee, caretakers: Sequence[str], today: date, former: FormerEmployment | None = None
) -> list[EmployeeEvent]:
    """The events from `before` to `after`; none where nothing public has changed."""
    if former is not None:
        gone = replace(before, status="left", left_on=former.left_on)
        return [*_announce_life(before, gone, caretakers, today), EmployeeRehired(**build_public_state(after, today))]
    if _public_life(before) != _public_life(after):
        return _announce_life(before, after, caretakers, today)
    state = build_public_state(after, today)
    return [EmployeeChanged(**state)] if state != build_public_state(before, today) else []


def _announce_life(before: Employee, after: Employee, caretakers: Sequence[str], today: date) -> list[EmployeeEvent]:
    state = build_public_state(after, today)
    match before.status, after.status:
        case "active", "resigned":
            return [EmployeeResigned(**state, **_departure_dates(after), caretakers=list(caretakers))]
        # Somebody who has left works here until a later day after all: the same departure, with another date.
        case "resigned" | "left", "resigned":
            return [ResignationChanged(**state, **_departure_dates(after))]
        case "left", "left" if before.left_on == after.left_on:
            return []
        case _, "left":
            return [
                EmployeeLeft(**state, **_departure_dates(after), left_on=after.left_on, caretakers=list(caretakers))
            ]
        case "resigned", "active":
            return [ResignationWithdrawn(**state, **_departure_dates(before))]
        case "left", "active":
            return [DepartureReversed(**state, **_departure_dates(before), left_on=before.left_on)]
        case _:
            return [EmployeeChanged(**state)]


def _departure_dates(person: Employee) -> dict[str, date | None]:
    return {"notice_on": determine_notice_day(person), "last_day": person.last_day, "ends_on": person.ends_on}


MIN_DEPARTURES_ALLOWED = 3

MAX_FROZEN_PERCENT = 10  # percent of staff that may be frozen on a mere suspicion


def count_departures_allowed(setting: str, staff: int) -> int:
    """How many departures a source may announce on one day: a share (`5%`, at least 3), or a plain number as it is."""
    if setting.endswith("%"):
        return max(MIN_DEPARTURES_ALLOWED, int(float(setting[:-1]) * staff / 100))
    return int(float(setting))


def may_freeze_held_departure(wanted: bool, frozen: int, staff: int) -> bool:
    """Whether one more of those held may be frozen, while `frozen` of them are."""
    return wanted and (frozen + 1) * 100 <= MAX_FROZEN_PERCENT * staff


def is_new_departure(before: Employee, after: Employee) -> bool:
    """Whether this is a departure that nobody announced before: only such count for the brake."""
    return before.employment_id == after.employment_id and before.status == "active" and after.status != "active"


UNDOING_EVENTS = (ResignationWithdrawn, DepartureReversed, DepartureRejected)

DEPARTURE_EVENTS = (EmployeeResigned, ResignationChanged, EmployeeLeft, DepartureHeld, *UNDOING_EVENTS)


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


class HoldDecided(Refused, code="hold_decided"):
    """This hold was decided before, the other way."""
