"""The door through which one new employee is registered."""

from fastapi import APIRouter

from services.staff.employees.api import EmployeeView, build_employee_view
from services.staff.employees.fields import NewEmployeeBody
from services.staff.hiring import handlers
from shared.http.door import Door, allow

router = APIRouter(tags=["employees"])


@router.post("/employees", status_code=201, summary="Register a new employee")
async def hire_employee(body: NewEmployeeBody, door: Door = allow("hr")) -> EmployeeView:
    """Creating twice with the same id and body gives the same answer."""
    employee = await door.transact(handlers.hire_employee, body)
    door.set_location("employees", employee.id)
    return build_employee_view(door, employee)
