"""Registering one new employee."""

from services.staff.employees.fields import EMPLOYEE_FIELDS, NewEmployee, build_employee, hash_body
from services.staff.employees.handlers import check_references, lock_employee, today
from services.staff.employees.rules import Employee, Erased, build_public_state
from services.staff.employees.store import insert_employees, lock_employees
from services.staff.hris.handlers import apply_waiting_messages
from shared.contracts.staff import EmployeeHired
from shared.database import UnitOfWork
from shared.errors import Exists
from shared.ids import uuid7


async def register_employee(work: UnitOfWork, body: NewEmployee) -> Employee:
    """A new employee. Creating twice with the same body gives the same answer. Raises `Exists`, `Erased`…"""
    person = build_employee(body, body.id or uuid7(), uuid7())
    if not await insert_employees(work, [person], hash_body(body)):
        known = await lock_employee(work, person.id)
        if known.erased:
            raise Erased
        same = known.body_hash == hash_body(body)
        if known.body_hash is None:  # imported, or hired by the HRIS
            same = all(getattr(known.person, name) == getattr(person, name) for name in EMPLOYEE_FIELDS)
        if not same:
            raise Exists
        return known.person
    await check_references(work, person, {"manager_id", "department_id"})
    work.publish(EmployeeHired(**build_public_state(person, today(work))))
    return person


async def hire_employee(work: UnitOfWork, body: NewEmployee) -> Employee:
    """A new employee, with what the HRIS had said of them before they were known."""
    person = await register_employee(work, body)
    if not await apply_waiting_messages(work, [f"employee/{person.id}"]):
        return person
    return (await lock_employees(work, [person.id]))[person.id].person
