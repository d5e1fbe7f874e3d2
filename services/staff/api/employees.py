"""Employees: who works here, who stands in for whom, who is absent."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from services.staff.api.shapes import Employee, shown, shown_row
from services.staff.handlers import employees as handlers
from services.staff.handlers import news
from services.staff.handlers.bodies import EmployeeChanges, NewEmployee
from services.staff.store.reading import Sight, employees
from shared.contracts.staff import Absence
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.http.door import Door, allow
from shared.http.fields import Body, Day
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["employees"])


class Deputy(Body):
    """Null: nobody."""

    deputy_id: Id | None


class AbsenceDays(Body):
    """Both days inclusive; open without `until`. The cause is nobody's business."""

    from_day: Day = Field(alias="from")
    until: Day | None = None


@router.post("/employees", status_code=201, response_model=Employee, summary="Register a new employee")
async def create(body: NewEmployee, door: Door = allow("hr")) -> Any:
    """Creating twice with the same id and body gives the same answer."""
    employee = await door.transact(_create, body)
    door.set_location("employees", employee["id"])
    return employee


async def _create(work: UnitOfWork, body: NewEmployee) -> dict[str, Any]:
    return shown(await news.hire_and_hear(work, body))


@router.get("/employees", response_model=Page[Employee], summary="Employees")
async def listed(
    status: Annotated[Literal["active", "resigned", "left"] | None, Query()] = None,
    department_id: Annotated[Id | None, Query()] = None,
    manager_id: Annotated[Id | None, Query()] = None,
    function: Annotated[Id | None, Query()] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("anyone"),
) -> Any:
    """Everybody sees only those whom they may know about: an `employee` themselves, a `sales_head` their departments."""
    rows = await door.read(
        employees,
        Sight.of(door.principal),
        status=status,
        department_id=department_id,
        manager_id=manager_id,
        function=function,
        paging=paging,
    )
    found = make_page(rows, paging)
    return {**found, "items": [shown_row(row) for row in found["items"]]}


@router.get("/employees/{employee_id}", response_model=Employee, summary="One employee")
async def one(employee_id: Id, door: Door = allow("anyone")) -> Any:
    rows = await door.read(employees, Sight.of(door.principal), id=employee_id)
    if not rows:
        raise NotFound
    door.set_etag(rows[0]["version"])
    return shown_row(rows[0])


@router.patch("/employees/{employee_id}", response_model=Employee, summary="Change an employee")
async def change(employee_id: Id, body: EmployeeChanges, door: Door = allow("hr")) -> Any:
    """Sets the fields given. The chain of managers never closes a circle."""
    facts = {name: getattr(body, name) for name in body.model_fields_set}
    person = await door.transact(handlers.change, employee_id, facts, door.check_version)
    door.set_etag(person.version)
    return shown(person)


@router.put("/employees/{employee_id}/deputy", response_model=Employee, summary="Name the deputy in advance")
async def name_deputy(employee_id: Id, body: Deputy, door: Door = allow("hr")) -> Any:
    """Not oneself, employed, not leaving."""
    person = await door.transact(handlers.name_deputy, employee_id, body.deputy_id, door.check_version)
    door.set_etag(person.version)
    return shown(person)


@router.put(
    "/employees/{employee_id}/absences/{absence_id}", response_model=Employee, summary="Enter or change an absence"
)
async def enter_absence(employee_id: Id, absence_id: Id, body: AbsenceDays, door: Door = allow("hr")) -> Any:
    """While it lasts the deputy serves, and this person is passed over as caretaker, successor and approver."""
    absence = Absence(absence_id=absence_id, from_day=body.from_day, until_day=body.until)
    person = await door.transact(handlers.enter_absence, employee_id, absence, door.check_version)
    door.set_etag(person.version)
    return shown(person)


@router.delete("/employees/{employee_id}/absences/{absence_id}", status_code=204, summary="Remove an absence")
async def remove_absence(employee_id: Id, absence_id: Id, door: Door = allow("hr")) -> None:
    await door.transact(handlers.remove_absence, employee_id, absence_id)
