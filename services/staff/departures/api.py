"""The doors of resignations, departures, reversals, rehires and held departures."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.staff.departures import fields, handlers, store
from services.staff.employees.api import EmployeeView, show_employee
from services.staff.employees.fields import Reason
from services.staff.employees.store import EmployeeVisibility, list_visible_employees
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.http.door import Door, allow
from shared.http.fields import Body, Day, EmptyBody
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["departures"])


class Departure(Body):
    """`on` is the last day. One that lies ahead is taken as a resignation until then."""

    on: Day
    reason: Reason | None = None


class Reversal(Body):
    reason: Annotated[Reason, Field(min_length=1)]


class Rehire(Body):
    hired_on: Day


class LifeChangeView(BaseModel):
    kind: str
    at: datetime
    by_id: str
    status: str
    notice_on: date | None
    last_day: date | None
    ends_on: date | None
    left_on: date | None
    reason: str | None


class EmploymentView(BaseModel):
    """Nothing is ever overwritten: `changes` has every word that was said."""

    employment_id: str
    hired_on: date
    status: Literal["active", "resigned", "left"]
    notice_on: date | None
    last_day: date | None
    ends_on: date | None
    left_on: date | None
    changes: list[LifeChangeView]


@router.post(
    "/employees/{employee_id}/resignation",
    status_code=202,
    response_model=EmployeeView,
    summary="Announce a resignation",
)
async def announce_resignation(employee_id: Id, body: fields.Resignation, door: Door = allow("hr")) -> Any:
    """Again with other dates: changes them. 409 if this person has already left."""
    return await door.transact(_announce_resignation, employee_id, body)


async def _announce_resignation(work: UnitOfWork, employee_id: str, body: fields.Resignation) -> dict[str, Any]:
    return show_employee(await handlers.announce_resignation(work, employee_id, body))


@router.delete(
    "/employees/{employee_id}/resignation",
    status_code=202,
    response_model=EmployeeView,
    summary="Withdraw a resignation",
)
async def withdraw_resignation(employee_id: Id, door: Door = allow("hr")) -> Any:
    return show_employee(await door.transact(handlers.withdraw_resignation, employee_id))


@router.post(
    "/employees/{employee_id}/departure", status_code=202, response_model=EmployeeView, summary="The last day is over"
)
async def record_departure(employee_id: Id, body: Departure, door: Door = allow("hr")) -> Any:
    """Also without notice: a dismissal."""
    return await door.transact(_record_departure, employee_id, body)


async def _record_departure(work: UnitOfWork, employee_id: str, body: Departure) -> dict[str, Any]:
    return show_employee(await handlers.record_departure(work, employee_id, body.on, body.reason))


@router.post(
    "/employees/{employee_id}/departure/reversal",
    status_code=202,
    response_model=EmployeeView,
    summary="The departure was a mistake",
)
async def reverse_departure(employee_id: Id, body: Reversal, door: Door = allow("hr")) -> Any:
    """The same employment goes on."""
    return await door.transact(_reverse_departure, employee_id, body)


async def _reverse_departure(work: UnitOfWork, employee_id: str, body: Reversal) -> dict[str, Any]:
    return show_employee(await handlers.reverse_departure(work, employee_id, body.reason))


@router.post(
    "/employees/{employee_id}/rehire", status_code=201, response_model=EmployeeView, summary="A new employment"
)
async def rehire_employee(employee_id: Id, body: Rehire, door: Door = allow("hr")) -> Any:
    """Only for real rehires; nothing of the old employment is restored."""
    employee = await door.transact(_rehire_employee, employee_id, body)
    door.set_location("employees", employee_id)
    return employee


async def _rehire_employee(work: UnitOfWork, employee_id: str, body: Rehire) -> dict[str, Any]:
    return show_employee(await handlers.rehire_employee(work, employee_id, body.hired_on))


@router.get(
    "/employees/{employee_id}/employments", response_model=Page[EmploymentView], summary="All employments, oldest first"
)
async def list_employments(employee_id: Id, paging: Paging = Depends(paging), door: Door = allow("anyone")) -> Any:
    """The reasons given are shown to `hr` only."""
    return make_page(
        await door.read(_list_employments, employee_id, paging, door), paging, lambda row: (str(row["nth"]),)
    )


async def _list_employments(work: UnitOfWork, employee_id: str, paging: Paging, door: Door) -> list[dict[str, Any]]:
    if not await list_visible_employees(work, EmployeeVisibility.of(door.principal), id=employee_id):
        raise NotFound
    hr = door.principal.has("hr")
    return [
        {**row, "changes": [{**change, "reason": change["reason"] if hr else None} for change in row["changes"]]}
        for row in await store.list_employments(work, employee_id, paging)
    ]


class HeldDeparture(BaseModel):
    """A departure that the brake held. `frozen`: access is refused until somebody decides."""

    id: str
    source_id: str
    employee_id: str
    employment_id: str
    kind: Literal["resigned", "changed", "left"]
    notice_on: date | None
    last_day: date | None
    ends_on: date | None
    left_on: date | None
    said_at: datetime
    held_at: datetime
    frozen: bool
    state: Literal["held", "confirmed", "rejected"]
    decided_by: str | None
    decided_at: datetime | None


@router.get("/hris/holds", response_model=Page[HeldDeparture], summary="Departures that wait for a person")
async def list_held_departures(
    state: Annotated[Literal["held", "confirmed", "rejected"] | None, Query()] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("hr", "ops"),
) -> Any:
    return make_page(await door.read(store.list_held_departures, paging, state), paging)


@router.post("/hris/holds/{hold_id}/confirm", response_model=HeldDeparture, summary="It is a departure")
async def confirm_held_departure(hold_id: Id, body: EmptyBody | None = None, door: Door = allow("hr")) -> Any:
    return await door.transact(_confirm_held_departure, hold_id)


async def _confirm_held_departure(work: UnitOfWork, hold_id: str) -> dict[str, Any]:
    return dict(await handlers.confirm_held_departure(work, hold_id))


@router.post("/hris/holds/{hold_id}/reject", response_model=HeldDeparture, summary="It is a mistake")
async def reject_held_departure(hold_id: Id, body: EmptyBody | None = None, door: Door = allow("hr")) -> Any:
    return await door.transact(_reject_held_departure, hold_id)


async def _reject_held_departure(work: UnitOfWork, hold_id: str) -> dict[str, Any]:
    return dict(await handlers.reject_held_departure(work, hold_id))
