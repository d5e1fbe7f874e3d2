"""Which events tell the others what has become of a person."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from services.staff.domain.life import Former, life_of
from services.staff.domain.person import Person, public_state
from shared.contracts.staff import (
    DepartureReversed,
    EmployeeChanged,
    EmployeeEvent,
    EmployeeLeft,
    EmployeeRehired,
    EmployeeResigned,
    ResignationChanged,
    ResignationWithdrawn,
)


def announce(
    before: Person, after: Person, caretakers: Sequence[str], today: date, former: Former | None = None
) -> list[EmployeeEvent]:
    """The events from `before` to `after`; none where nothing public has changed."""
    if former is not None:
        gone = replace(before, status="left", left_on=former.left_on)
        return [*_life(before, gone, caretakers, today), EmployeeRehired(**public_state(after, today))]
    if life_of(before) != life_of(after):
        return _life(before, after, caretakers, today)
    state = public_state(after, today)
    return [EmployeeChanged(**state)] if state != public_state(before, today) else []


def _life(before: Person, after: Person, caretakers: Sequence[str], today: date) -> list[EmployeeEvent]:
    state = public_state(after, today)
    match before.status, after.status:
        case "active", "resigned":
            return [EmployeeResigned(**state, **_dates(after), caretakers=list(caretakers))]
        # Somebody who has left works here until a later day after all: the same departure, with another date.
        case "resigned" | "left", "resigned":
            return [ResignationChanged(**state, **_dates(after))]
        case "left", "left" if before.left_on == after.left_on:
            return []
        case _, "left":
            return [EmployeeLeft(**state, **_dates(after), left_on=after.left_on, caretakers=list(caretakers))]
        case "resigned", "active":
            return [ResignationWithdrawn(**state, **_dates(before))]
        case "left", "active":
            return [DepartureReversed(**state, **_dates(before), left_on=before.left_on)]
        case _:
            return [EmployeeChanged(**state)]


def _dates(person: Person) -> dict[str, date | None]:
    return {"notice_on": notice_of(person), "last_day": person.last_day, "ends_on": person.ends_on}


def notice_of(person: Person) -> date | None:
    """The day of notice; where nobody has said it, the day on which the departure was announced."""
    if person.notice_on is None and person.status == "resigned" and "status" in person.said:
        return min(person.said["status"].date(), person.last_day or date.max)
    return person.notice_on
