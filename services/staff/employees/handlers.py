"""Changing employees: attributes, deputies and absences; and who is frozen in `clients`."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date

from services.staff.departments.rules import UnknownDepartment
from services.staff.departments.store import is_same_or_above, list_existing_departments, lock_hierarchy
from services.staff.employees import fields, rules, store
from shared.contracts.clients import AccessFrozen, AccessUnfrozen
from shared.contracts.staff import Absence, EmployeeChanged
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.journal import publish_journal_entry
from shared.messages import Envelope

REPUBLISH_BATCH = 500


async def lock_employee(work: UnitOfWork, employee_id: str) -> store.LockedEmployee:
    """The employee under lock. Raises `NotFound`."""
    locked = await store.lock_employees(work, [employee_id])
    if employee_id not in locked:
        raise NotFound
    return locked[employee_id]


async def save_employee(work: UnitOfWork, before: store.LockedEmployee, after: rules.Employee) -> rules.Employee:
    """Saves what may be changed at any time, and publishes what is public of it. Raises `EmployeeIsErased`."""
    if before.is_erased:
        raise rules.EmployeeIsErased
    await store.update_employees(work, [after])
    publish_employee_if_changed(work, before.employee, after)
    return replace(after, version=after.version + 1)


def publish_employee_if_changed(work: UnitOfWork, before: rules.Employee, after: rules.Employee) -> None:
    """Nothing, where nothing public has changed."""
    event = rules.build_event(EmployeeChanged, after, work.today)
    if event != rules.build_event(EmployeeChanged, before, work.today):
        work.publish(event)


async def require_valid_department_and_manager(
    work: UnitOfWork, employee: rules.Employee, given_fields: Collection[str]
) -> None:
    """Of the `given_fields` the department and the manager must exist, and nobody becomes their own manager.

    Raises `UnknownDepartment`, `UnknownManager`, `ManagerCycle`.
    """
    department_id = employee.department_id if "department_id" in given_fields else None
    if department_id is not None and not await list_existing_departments(work, [department_id]):
        raise UnknownDepartment
    if "manager_id" in given_fields and employee.manager_id is not None:
        if employee.manager_id == employee.id:
            raise rules.ManagerCycle
        await lock_hierarchy(work)
        if not await store.list_statuses(work, [employee.manager_id]):
            raise rules.UnknownManager
        if await is_same_or_above(work, "employees", employee.id, employee.manager_id):
            raise rules.ManagerCycle


async def require_possible_hired_on(work: UnitOfWork, before: rules.Employee, hired_on: date) -> None:
    """Raises `BeforeHired`, `HiredBeforeLeft`."""
    if before.hired_on != hired_on:
        last_left = await store.list_last_left_days(work, [before.id])
        refusal = rules.find_first_day_refusal(before, hired_on, last_left.get(before.id))
        if refusal is not None:
            raise refusal


async def change_employee(
    work: UnitOfWork, employee_id: str, changes: fields.EmployeeChangesBody, check_version: Callable[[int], None]
) -> rules.Employee:
    """Sets the given fields."""
    if changes.manager_id is not None:
        await lock_hierarchy(work)
    locked = await lock_employee(work, employee_id)
    before = locked.employee
    check_version(before.version)
    given = fields.get_given_facts(changes)
    changed = rules.get_facts(changes, (name for name, value in given.items() if getattr(before, name) != value))
    if not changed:
        return before
    after = rules.record_decided_facts(before, changed, work.now)
    await require_valid_department_and_manager(work, after, changed)
    await require_possible_hired_on(work, before, after.hired_on)
    return await save_employee(work, locked, after)


async def name_deputy(
    work: UnitOfWork, employee_id: str, deputy_id: str | None, check_version: Callable[[int], None]
) -> rules.Employee:
    """Raises `OwnDeputy`, `UnknownDeputy`, `DeputyIsLeaving`."""
    if deputy_id == employee_id:
        raise rules.OwnDeputy
    locked = await store.lock_employees(work, [employee_id, *([deputy_id] if deputy_id else [])])
    if employee_id not in locked:
        raise NotFound
    before = locked[employee_id].employee
    check_version(before.version)
    if deputy_id == before.deputy_id:
        return before
    if deputy_id is not None:
        refusal = rules.find_deputy_refusal(locked[deputy_id].employee.status if deputy_id in locked else None)
        if refusal is not None:
            raise refusal
    publish_journal_entry(work, "deputy.named", employee_id, deputy_id=deputy_id)
    after = rules.record_decided_facts(before, {"deputy_id": deputy_id}, work.now)
    return await save_employee(work, locked[employee_id], after)


async def enter_absence(
    work: UnitOfWork, employee_id: str, absence: Absence, check_version: Callable[[int], None]
) -> rules.Employee:
    """Raises `AbsenceEndsBeforeItBegins`, `TooManyAbsences`."""
    if absence.until_day is not None and absence.until_day < absence.from_day:
        raise rules.AbsenceEndsBeforeItBegins
    locked = await lock_employee(work, employee_id)
    before = locked.employee
    check_version(before.version)
    if absence in before.absences:
        return before
    others = [known for known in before.absences if known.absence_id != absence.absence_id]
    if len(others) >= rules.MAX_ABSENCES:
        raise rules.TooManyAbsences
    return await save_employee(work, locked, replace(before, absences=(*others, absence)))


async def remove_absence(work: UnitOfWork, employee_id: str, absence_id: str) -> None:
    locked = await lock_employee(work, employee_id)
    before = locked.employee.absences
    others = [known for known in before if known.absence_id != absence_id]
    if len(others) == len(before):
        raise NotFound
    await save_employee(work, locked, replace(locked.employee, absences=others))


async def on_access_changed(work: UnitOfWork, envelope: Envelope[AccessFrozen | AccessUnfrozen]) -> None:
    """A freeze binds as long as grounds are left, and only the employment that it was for."""
    event = envelope.data
    if event.grounds:
        await store.upsert_frozen_access(work, event.employee_id, event.employment_id)
    else:
        await store.delete_frozen_access(work, event.employee_id, event.employment_id)


async def republish_employees(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    employees = await store.lock_employees_after(work, after, REPUBLISH_BATCH)
    work.publish(*(rules.build_event(EmployeeChanged, employee, work.today) for employee in employees))
    return len(employees), employees[-1].id if employees else None
