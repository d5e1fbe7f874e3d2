"""The door through which one new employee is registered."""

from typing import Any

from fastapi import APIRouter

from services.staff.employees.api import EmployeeView, show_employee
from services.staff.employees.fields import NewEmployee
from services.staff.hiring import handlers
from shared.database import UnitOfWork
from shared.http.door import Door, allow

router = APIRouter(tags=["employees"])


@router.post("/employees", status_code=201, response_model=EmployeeView, summary="Register a new employee")
async def hire_employee(body: NewEmployee, door: Door = allow("hr")) -> Any:
    """Creating twice with the same id and body gives the same answer."""
    employee = await door.transact(_hire_employee, body)
    door.set_location("employees", employee["id"])
    return employee


async def _hire_employee(work: UnitOfWork, body: NewEmployee) -> dict[str, Any]:
    return show_employee(await handlers.hire_employee(work, body))
