"""The doors of employees, their deputies and their absences."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from services.staff.employees import fields, handlers, rules, store
from shared.contracts.staff import Absence
from shared.errors import NotFound
from shared.http.door import Door, allow
from shared.http.fields import Body, Day
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["employees"])


class AbsenceView(BaseModel):
    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    absence_id: str
    from_day: date = Field(alias="from")
    until: date | None = None


class EmployeeView(BaseModel):
    """`name` and `email` are shown to `hr`, `director`, `service`, the person, and the heads above them; else null."""

    id: str
    name: str | None
    email: str | None
    position: str | None
    department_id: str | None
    manager_id: str | None
    deputy_id: str | None
    functions: dict[str, float]
    regions: list[str]
    languages: list[str]
    hired_on: date
    employment_id: str
    status: Literal["active", "resigned", "left"]
    notice_on: date | None
    last_day: date | None
    ends_on: date | None
    left_on: date | None
    absences: list[AbsenceView]
    version: int


class DeputyBody(Body):
    """Null: nobody."""

    deputy_id: Id | None


class AbsenceBody(Body):
    """Both days inclusive; open without `until`. The cause is nobody's business."""

    from_day: Day = Field(alias="from")
    until: Day | None = None


def build_employee_view(door: Door, employee: rules.Employee) -> EmployeeView:
    return EmployeeView(
        **{
            **vars(employee),
            "name": employee.name or None,
            "email": employee.email or None,
            "notice_on": rules.determine_notice_day(employee, door.runtime.settings.timezone),
            "absences": [
                AbsenceView(absence_id=absence.absence_id, from_day=absence.from_day, until=absence.until_day)
                for absence in employee.all_absences
            ],
        }
    )


@router.get("/employees", summary="Employees")
async def list_employees(
    status: Annotated[rules.Status | None, Query()] = None,
    department_id: Annotated[Id | None, Query()] = None,
    manager_id: Annotated[Id | None, Query()] = None,
    function: Annotated[Id | None, Query()] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("anyone"),
) -> Page[EmployeeView]:
    """Everybody sees only those whom they may know about: an `employee` themselves, a `sales_head` their departments."""
    found = await door.read(
        store.list_visible_employees,
        store.EmployeeVisibility.of(door.principal),
        status=status,
        department_id=department_id,
        manager_id=manager_id,
        function=function,
        paging=paging,
    )
    return make_page([build_employee_view(door, employee) for employee in found], paging)


@router.get("/employees/{employee_id}", summary="One employee")
async def get_employee(employee_id: Id, door: Door = allow("anyone")) -> EmployeeView:
    visibility = store.EmployeeVisibility.of(door.principal)
    found = await door.read(store.list_visible_employees, visibility, id=employee_id)
    if not found:
        raise NotFound
    door.set_etag(found[0].version)
    return build_employee_view(door, found[0])


@router.patch("/employees/{employee_id}", summary="Change an employee")
async def change_employee(employee_id: Id, body: fields.EmployeeChangesBody, door: Door = allow("hr")) -> EmployeeView:
    """Sets the fields given. The chain of managers never closes a circle."""
    employee = await door.transact(handlers.change_employee, employee_id, body, door.check_version)
    door.set_etag(employee.version)
    return build_employee_view(door, employee)


@router.put("/employees/{employee_id}/deputy", summary="Name the deputy in advance")
async def name_deputy(employee_id: Id, body: DeputyBody, door: Door = allow("hr")) -> EmployeeView:
    """Not oneself, employed, not leaving."""
    employee = await door.transact(handlers.name_deputy, employee_id, body.deputy_id, door.check_version)
    door.set_etag(employee.version)
    return build_employee_view(door, employee)


@router.put("/employees/{employee_id}/absences/{absence_id}", summary="Enter or change an absence")
async def enter_absence(employee_id: Id, absence_id: Id, body: AbsenceBody, door: Door = allow("hr")) -> EmployeeView:
    """While it lasts the deputy serves, and this person is passed over as caretaker, successor and approver."""
    absence = Absence(absence_id=absence_id, from_day=body.from_day, until_day=body.until)
    employee = await door.transact(handlers.enter_absence, employee_id, absence, door.check_version)
    door.set_etag(employee.version)
    return build_employee_view(door, employee)


@router.delete("/employees/{employee_id}/absences/{absence_id}", status_code=204, summary="Remove an absence")
async def remove_absence(employee_id: Id, absence_id: Id, door: Door = allow("hr")) -> None:
    await door.transact(handlers.remove_absence, employee_id, absence_id)
