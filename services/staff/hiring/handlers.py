"""Registering one new employee."""

from services.staff.employees.fields import EMPLOYEE_FIELDS, NewEmployeeBody
from services.staff.employees.handlers import lock_employee, require_valid_department_and_manager
from services.staff.employees.rules import Employee, EmployeeIsErased, build_event
from services.staff.employees.store import insert_employees
from services.staff.hris.handlers import apply_pending_messages
from shared.contracts.staff import EmployeeHired
from shared.database import UnitOfWork
from shared.errors import IdTaken
from shared.http.creation import hash_body, require_same_body
from shared.ids import uuid7


async def hire_employee(work: UnitOfWork, body: NewEmployeeBody) -> Employee:
    """A new employee, with what the HRIS had said of them before they were known.

    Creating twice with the same body gives the same answer. Raises `IdTaken`, `EmployeeIsErased`, `UnknownDepartment`…
    """
    employee = body.to_employee(body.id or uuid7(), uuid7())
    if not await insert_employees(work, [employee], hash_body(body)):
        return await _get_same_employee(work, employee, body)
    await require_valid_department_and_manager(work, employee, {"manager_id", "department_id"})
    work.publish(build_event(EmployeeHired, employee, work.today))
    if await apply_pending_messages(work, [f"employee/{employee.id}"]):
        return (await lock_employee(work, employee.id)).employee
    return employee


async def _get_same_employee(work: UnitOfWork, new: Employee, body: NewEmployeeBody) -> Employee:
    """The one with this id, if this body or what it says is what they are."""
    existing = await lock_employee(work, new.id)
    if existing.is_erased:
        raise EmployeeIsErased
    if existing.body_hash is not None:
        require_same_body(existing.body_hash, body)
    # Imported, or hired by the HRIS.
    elif any(getattr(existing.employee, name) != getattr(new, name) for name in EMPLOYEE_FIELDS):
        raise IdTaken
    return existing.employee
