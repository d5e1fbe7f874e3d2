"""Changing employees: attributes, deputies and absences; and who is frozen in `clients`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from services.staff.departments.rules import UnknownDepartment
from services.staff.departments.store import is_ancestor, list_existing_departments, lock_hierarchy
from services.staff.departures.rules import build_announcements
from services.staff.departures.store import delete_uncleared_cases, update_hold_state
from services.staff.employees import rules, store
from shared.contracts.clients import AccessFrozen, AccessUnfrozen, JournalEntry
from shared.contracts.staff import Absence, DepartureRejected
from shared.database import UnitOfWork
from shared.errors import HoldfastError, NotFound
from shared.messages import Envelope

MAX_ABSENCES = 500


def today(work: UnitOfWork) -> date:
    """The day that it is where the company works."""
    return work.now.astimezone(ZoneInfo(work.settings.timezone)).date()


async def lock_employee(work: UnitOfWork, employee_id: str) -> store.LockedEmployee:
    """The employee under lock. Raises `NotFound`."""
    found = await store.lock_employees(work, [employee_id])
    if employee_id not in found:
        raise NotFound
    return found[employee_id]


def publish_journal_entry(work: UnitOfWork, kind: str, employee_id: str, **details: str | int | bool | None) -> None:
    work.publish(JournalEntry(kind=kind, actor_id=work.actor, employee_id=employee_id, details=details))


async def save_employee(
    work: UnitOfWork,
    before: store.LockedEmployee,
    after: rules.Employee,
    change: store.LifeChange | None = None,
    former: rules.FormerEmployment | None = None,
    message_id: str | None = None,
) -> rules.Employee:
    """Saves what has become of a person and tells the others; a departure that was held is settled by it.

    Raises `Erased`.
    """
    if before.erased:
        raise rules.Erased
    candidates = rules.list_caretaker_candidates(after, before.heads, work.settings.last_resort)
    events = build_announcements(before.person, after, candidates, today(work), former)
    await store.update_employee(work, after, change, former, message_id)
    if before.person.status == "active" and after.status != "active":
        await delete_uncleared_cases(work, after.id)
    work.publish(*events)
    if change is not None:
        publish_journal_entry(work, f"employment.{change.kind}", after.id, employment_id=before.person.employment_id)
    if before.hold_id is not None and change is not None:
        confirmed = after.status != "active"
        await update_hold_state(work, before.hold_id, "confirmed" if confirmed else "rejected")
        work.publish(DepartureRejected(**rules.build_public_state(after, today(work)), hold_id=before.hold_id))
    return replace(after, version=after.version + 1)


async def check_references(work: UnitOfWork, person: rules.Employee, fields: set[str]) -> None:
    """Those of `fields` that name others name somebody who exists, and nobody becomes their own manager."""
    department_id = person.department_id if "department_id" in fields else None
    if department_id is not None and not await list_existing_departments(work, [department_id]):
        raise UnknownDepartment
    if "manager_id" in fields and person.manager_id is not None:
        if person.manager_id == person.id:
            raise rules.ManagerCycle
        await lock_hierarchy(work)
        if not await store.list_existing_employees(work, [person.manager_id]):
            raise rules.UnknownManager
        if await is_ancestor(work, "employees", "manager_id", person.id, person.manager_id):
            raise rules.ManagerCycle


async def change_employee(
    work: UnitOfWork, employee_id: str, facts: Mapping[str, Any], check_version: Callable[[int], None]
) -> rules.Employee:
    """Sets the given fields."""
    if facts.get("manager_id") is not None:
        await lock_hierarchy(work)
    before = await lock_employee(work, employee_id)
    check_version(before.person.version)
    changed = {name: value for name, value in facts.items() if getattr(before.person, name) != value}
    if not changed:
        return before.person
    after = rules.set_facts(before.person, changed, rules.determine_decision_time(before.person, work.now))
    await check_references(work, after, set(changed))
    await check_hired_on(work, before.person, after.hired_on)
    return await save_employee(work, before, after)


async def check_hired_on(work: UnitOfWork, before: rules.Employee, hired_on: date) -> None:
    """Raises `BeforeHired`, `HiredBeforeLeft`."""
    if before.hired_on != hired_on:
        refusal = find_first_day_refusal(before, hired_on, await store.list_last_left_days(work, [before.id]))
        if refusal is not None:
            raise refusal


def find_first_day_refusal(
    person: rules.Employee, hired_on: date, last_left: Mapping[str, date]
) -> type[HoldfastError] | None:
    """Why this cannot be the first day: it lies after the end of this employment, or not after the one before."""
    if any(end is not None and end < hired_on for end in (person.last_day, person.left_on)):
        return rules.BeforeHired
    return rules.HiredBeforeLeft if last_left.get(person.id, date.min) >= hired_on else None


async def name_deputy(
    work: UnitOfWork, employee_id: str, deputy_id: str | None, check_version: Callable[[int], None]
) -> rules.Employee:
    """Raises `OwnDeputy`, `UnknownDeputy`, `DeputyIsLeaving`."""
    if deputy_id == employee_id:
        raise rules.OwnDeputy
    rows = await store.lock_employees(work, [employee_id, *([deputy_id] if deputy_id else [])])
    if employee_id not in rows:
        raise NotFound
    before = rows[employee_id]
    check_version(before.person.version)
    if deputy_id == before.person.deputy_id:
        return before.person
    if deputy_id is not None:
        if deputy_id not in rows:
            raise rules.UnknownDeputy
        if rows[deputy_id].person.status != "active":
            raise rules.DeputyIsLeaving
    publish_journal_entry(work, "deputy.named", employee_id, deputy_id=deputy_id)
    after = rules.set_facts(
        before.person, {"deputy_id": deputy_id}, rules.determine_decision_time(before.person, work.now)
    )
    return await save_employee(work, before, after)


async def enter_absence(
    work: UnitOfWork, employee_id: str, absence: Absence, check_version: Callable[[int], None]
) -> rules.Employee:
    """Raises `AbsenceEndsBeforeItBegins`."""
    if absence.until_day is not None and absence.until_day < absence.from_day:
        raise rules.AbsenceEndsBeforeItBegins
    before = await lock_employee(work, employee_id)
    check_version(before.person.version)
    if absence in before.person.absences:
        return before.person
    others = [known for known in before.person.absences if known.absence_id != absence.absence_id]
    if len(others) >= MAX_ABSENCES:
        raise rules.TooManyAbsences
    return await save_employee(work, before, replace(before.person, absences=(*others, absence)))


async def remove_absence(work: UnitOfWork, employee_id: str, absence_id: str) -> None:
    before = await lock_employee(work, employee_id)
    others = tuple(known for known in before.person.absences if known.absence_id != absence_id)
    if len(others) == len(before.person.absences):
        raise NotFound
    await save_employee(work, before, replace(before.person, absences=others))


async def on_access_changed(work: UnitOfWork, envelope: Envelope[AccessFrozen | AccessUnfrozen]) -> None:
    """A freeze binds as long as grounds are left, and only the employment that it was for."""
    event = envelope.data
    if event.grounds:
        await work.execute(
            """
            INSERT INTO frozen_access (employee_id, employment_id) VALUES (:id, :employment)
            ON CONFLICT (employee_id) DO UPDATE SET employment_id = excluded.employment_id
            """,
            id=event.employee_id,
            employment=event.employment_id,
        )
    else:
        await work.execute(
            "DELETE FROM frozen_access WHERE employee_id = :id AND employment_id = :employment",
            id=event.employee_id,
            employment=event.employment_id,
        )
