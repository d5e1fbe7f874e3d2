"""Employees: hire, change, deputies, absences."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from services.staff.domain.announcements import announce
from services.staff.domain.life import Former, decided_at, stamped
from services.staff.domain.person import Person, caretakers, public_state
from services.staff.handlers import refusals
from services.staff.handlers.bodies import EMPLOYEE_FIELDS, NewEmployee, hash_of, person_from
from services.staff.store import departments, erasures, hris, people
from services.staff.store.people import Change, Loaded
from shared.contracts.clients import JournalEntry
from shared.contracts.staff import Absence, DepartureRejected, EmployeeHired
from shared.database import UnitOfWork
from shared.errors import Exists, HoldfastError, NotFound
from shared.ids import uuid7

MAX_ABSENCES = 500


def today(work: UnitOfWork) -> date:
    """The day that it is where the company works."""
    return work.now.astimezone(ZoneInfo(work.settings.timezone)).date()


async def one(work: UnitOfWork, employee_id: str) -> Loaded:
    """The employee under lock. Raises `NotFound`."""
    found = await people.load(work, [employee_id])
    if employee_id not in found:
        raise NotFound
    return found[employee_id]


def journal(work: UnitOfWork, kind: str, employee_id: str, **details: str | int | bool | None) -> None:
    work.publish(JournalEntry(kind=kind, actor_id=work.actor, employee_id=employee_id, details=details))


async def keep(
    work: UnitOfWork,
    before: Loaded,
    after: Person,
    change: Change | None = None,
    former: Former | None = None,
    message_id: str | None = None,
) -> Person:
    """Saves what has become of a person and tells the others; a departure that was held is settled by it.

    Raises `Erased`.
    """
    if before.erased:
        raise refusals.Erased
    candidates = caretakers(after, before.heads, work.settings.last_resort)
    events = announce(before.person, after, candidates, today(work), former)
    await people.save(work, after, change, former, message_id)
    if before.person.status == "active" and after.status != "active":
        await erasures.forget_cases(work, after.id)
    work.publish(*events)
    if change is not None:
        journal(work, f"employment.{change.kind}", after.id, employment_id=before.person.employment_id)
    if before.hold_id is not None and change is not None:
        confirmed = after.status != "active"
        await hris.decide_hold(work, before.hold_id, "confirmed" if confirmed else "rejected")
        work.publish(DepartureRejected(**public_state(after, today(work)), hold_id=before.hold_id))
    return replace(after, version=after.version + 1)


async def hire(work: UnitOfWork, body: NewEmployee) -> Person:
    """A new employee. Creating twice with the same body gives the same answer. Raises `Exists`, `Erased`…"""
    person = person_from(body, body.id or uuid7(), uuid7())
    if not await people.insert(work, [person], hash_of(body)):
        known = await one(work, person.id)
        if known.erased:
            raise refusals.Erased
        same = known.body_hash == hash_of(body)
        if known.body_hash is None:  # imported, or hired by the HRIS
            same = all(getattr(known.person, name) == getattr(person, name) for name in EMPLOYEE_FIELDS)
        if not same:
            raise Exists
        return known.person
    await check_references(work, person, {"manager_id", "department_id"})
    work.publish(EmployeeHired(**public_state(person, today(work))))
    return person


async def check_references(work: UnitOfWork, person: Person, fields: set[str]) -> None:
    """Those of `fields` that name others name somebody who exists, and nobody becomes their own manager."""
    department_id = person.department_id if "department_id" in fields else None
    if department_id is not None and not await departments.known(work, [department_id]):
        raise refusals.UnknownDepartment
    if "manager_id" in fields and person.manager_id is not None:
        if person.manager_id == person.id:
            raise refusals.ManagerCycle
        await people.lock_chains(work)
        if not await people.known(work, [person.manager_id]):
            raise refusals.UnknownManager
        if await people.is_above(work, "employees", "manager_id", person.id, person.manager_id):
            raise refusals.ManagerCycle


async def change(
    work: UnitOfWork, employee_id: str, facts: Mapping[str, Any], check_version: Callable[[int], None]
) -> Person:
    """Sets the given fields."""
    if facts.get("manager_id") is not None:
        await people.lock_chains(work)
    before = await one(work, employee_id)
    check_version(before.person.version)
    changed = {name: value for name, value in facts.items() if getattr(before.person, name) != value}
    if not changed:
        return before.person
    after = stamped(before.person, changed, decided_at(before.person, work.now))
    await check_references(work, after, set(changed))
    await check_hired_on(work, before.person, after.hired_on)
    return await keep(work, before, after)


async def check_hired_on(work: UnitOfWork, before: Person, hired_on: date) -> None:
    """Raises `BeforeHired`, `HiredBeforeLeft`."""
    if before.hired_on != hired_on:
        refusal = misplaced(before, hired_on, await people.last_left(work, [before.id]))
        if refusal is not None:
            raise refusal


def misplaced(person: Person, hired_on: date, last_left: Mapping[str, date]) -> type[HoldfastError] | None:
    """Why this cannot be the first day: it lies after the end of this employment, or not after the one before."""
    if any(end is not None and end < hired_on for end in (person.last_day, person.left_on)):
        return refusals.BeforeHired
    return refusals.HiredBeforeLeft if last_left.get(person.id, date.min) >= hired_on else None


async def name_deputy(
    work: UnitOfWork, employee_id: str, deputy_id: str | None, check_version: Callable[[int], None]
) -> Person:
    """Raises `OwnDeputy`, `UnknownDeputy`, `DeputyIsLeaving`."""
    if deputy_id == employee_id:
        raise refusals.OwnDeputy
    rows = await people.load(work, [employee_id, *([deputy_id] if deputy_id else [])])
    if employee_id not in rows:
        raise NotFound
    before = rows[employee_id]
    check_version(before.person.version)
    if deputy_id == before.person.deputy_id:
        return before.person
    if deputy_id is not None:
        if deputy_id not in rows:
            raise refusals.UnknownDeputy
        if rows[deputy_id].person.status != "active":
            raise refusals.DeputyIsLeaving
    journal(work, "deputy.named", employee_id, deputy_id=deputy_id)
    after = stamped(before.person, {"deputy_id": deputy_id}, decided_at(before.person, work.now))
    return await keep(work, before, after)


async def enter_absence(
    work: UnitOfWork, employee_id: str, absence: Absence, check_version: Callable[[int], None]
) -> Person:
    """Raises `AbsenceEndsBeforeItBegins`."""
    if absence.until_day is not None and absence.until_day < absence.from_day:
        raise refusals.AbsenceEndsBeforeItBegins
    before = await one(work, employee_id)
    check_version(before.person.version)
    if absence in before.person.absences:
        return before.person
    others = [known for known in before.person.absences if known.absence_id != absence.absence_id]
    if len(others) >= MAX_ABSENCES:
        raise refusals.TooManyAbsences
    return await keep(work, before, replace(before.person, absences=(*others, absence)))


async def remove_absence(work: UnitOfWork, employee_id: str, absence_id: str) -> None:
    before = await one(work, employee_id)
    others = tuple(known for known in before.person.absences if known.absence_id != absence_id)
    if len(others) == len(before.person.absences):
        raise NotFound
    await keep(work, before, replace(before.person, absences=others))
