"""The doors of employees, their deputies and their absences."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from services.staff.employees import fields, handlers, rules, store
from shared.contracts.staff import Absence
from shared.errors import NotFound
from shared.http.door import Door, allow
from shared.http.fields import Body, Day
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging


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


def show_employee(person: rules.Employee, names: bool = True) -> dict[str, Any]:
    return {
        **{name: getattr(person, name) for name in EmployeeView.model_fields if name != "absences"},
        "name": person.name if names else None,
        "email": (person.email or None) if names else None,
        "functions": dict(person.functions),
        "notice_on": rules.determine_notice_day(person),
        "absences": [_show_absence(absence) for absence in (*person.absences, *_hris_absences(person.hris_absences))],
    }


def _show_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return show_employee(store.employee_from_row(row), row["names"])


def _show_absence(absence: Absence) -> dict[str, Any]:
    return {"absence_id": absence.absence_id, "from": absence.from_day, "until": absence.until_day}


def _hris_absences(absences: rules.HrisAbsences) -> list[Absence]:
    return rules.derive_hris_absences(absences)


router = APIRouter(tags=["employees"])


class NewDeputy(Body):
    """Null: nobody."""

    deputy_id: Id | None


class AbsenceDays(Body):
    """Both days inclusive; open without `until`. The cause is nobody's business."""

    from_day: Day = Field(alias="from")
    until: Day | None = None


@router.get("/employees", response_model=Page[EmployeeView], summary="Employees")
async def list_employees(
    status: Annotated[Literal["active", "resigned", "left"] | None, Query()] = None,
    department_id: Annotated[Id | None, Query()] = None,
    manager_id: Annotated[Id | None, Query()] = None,
    function: Annotated[Id | None, Query()] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("anyone"),
) -> Any:
    """Everybody sees only those whom they may know about: an `employee` themselves, a `sales_head` their departments."""
    rows = await door.read(
        store.list_visible_employees,
        store.EmployeeVisibility.of(door.principal),
        status=status,
        department_id=department_id,
        manager_id=manager_id,
        function=function,
        paging=paging,
    )
    found = make_page(rows, paging)
    return {**found, "items": [_show_row(row) for row in found["items"]]}


@router.get("/employees/{employee_id}", response_model=EmployeeView, summary="One employee")
async def get_employee(employee_id: Id, door: Door = allow("anyone")) -> Any:
    rows = await door.read(store.list_visible_employees, store.EmployeeVisibility.of(door.principal), id=employee_id)
    if not rows:
        raise NotFound
    door.set_etag(rows[0]["version"])
    return _show_row(rows[0])


@router.patch("/employees/{employee_id}", response_model=EmployeeView, summary="Change an employee")
async def change_employee(employee_id: Id, body: fields.EmployeeChanges, door: Door = allow("hr")) -> Any:
    """Sets the fields given. The chain of managers never closes a circle."""
    facts = {name: getattr(body, name) for name in body.model_fields_set}
    person = await door.transact(handlers.change_employee, employee_id, facts, door.check_version)
    door.set_etag(person.version)
    return show_employee(person)


@router.put("/employees/{employee_id}/deputy", response_model=EmployeeView, summary="Name the deputy in advance")
async def name_deputy(employee_id: Id, body: NewDeputy, door: Door = allow("hr")) -> Any:
    """Not oneself, employed, not leaving."""
    person = await door.transact(handlers.name_deputy, employee_id, body.deputy_id, door.check_version)
    door.set_etag(person.version)
    return show_employee(person)


@router.put(
    "/employees/{employee_id}/absences/{absence_id}", response_model=EmployeeView, summary="Enter or change an absence"
)
async def enter_absence(employee_id: Id, absence_id: Id, body: AbsenceDays, door: Door = allow("hr")) -> Any:
    """While it lasts the deputy serves, and this person is passed over as caretaker, successor and approver."""
    absence = Absence(absence_id=absence_id, from_day=body.from_day, until_day=body.until)
    person = await door.transact(handlers.enter_absence, employee_id, absence, door.check_version)
    door.set_etag(person.version)
    return show_employee(person)


@router.delete("/employees/{employee_id}/absences/{absence_id}", status_code=204, summary="Remove an absence")
async def remove_absence(employee_id: Id, absence_id: Id, door: Door = allow("hr")) -> None:
    await door.transact(handlers.remove_absence, employee_id, absence_id)
