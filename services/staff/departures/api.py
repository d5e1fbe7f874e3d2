"""The doors of resignations, departures, reversals, rehires and held departures."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from services.staff.departures import fields, handlers, rules, store
from services.staff.employees.api import EmployeeView, build_employee_view
from services.staff.employees.fields import Reason
from services.staff.employees.store import EmployeeVisibility
from shared.http.door import Door, allow
from shared.http.fields import Body, Day, EmptyBody
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["departures"])


class DepartureBody(Body):
    """`on` is the last day. One that lies ahead is taken as a resignation until then."""

    on: Day
    reason: Reason | None = None


class ReversalBody(Body):
    reason: Annotated[Reason, Field(min_length=1)]


class RehireBody(Body):
    hired_on: Day


@router.post("/employees/{employee_id}/resignation", status_code=202, summary="Announce a resignation")
async def announce_resignation(employee_id: Id, body: fields.ResignationBody, door: Door = allow("hr")) -> EmployeeView:
    """Again with other dates: changes them. 409 if this person has already left."""
    return build_employee_view(door, await door.transact(handlers.announce_resignation, employee_id, body))


@router.delete("/employees/{employee_id}/resignation", status_code=202, summary="Withdraw a resignation")
async def withdraw_resignation(employee_id: Id, door: Door = allow("hr")) -> EmployeeView:
    return build_employee_view(door, await door.transact(handlers.withdraw_resignation, employee_id))


@router.post("/employees/{employee_id}/departure", status_code=202, summary="The last day is over")
async def record_departure(employee_id: Id, body: DepartureBody, door: Door = allow("hr")) -> EmployeeView:
    """Also without notice: a dismissal."""
    return build_employee_view(door, await door.transact(handlers.record_departure, employee_id, body.on, body.reason))


@router.post("/employees/{employee_id}/departure/reversal", status_code=202, summary="The departure was a mistake")
async def reverse_departure(employee_id: Id, body: ReversalBody, door: Door = allow("hr")) -> EmployeeView:
    """The same employment goes on."""
    return build_employee_view(door, await door.transact(handlers.reverse_departure, employee_id, body.reason))


@router.post("/employees/{employee_id}/rehire", status_code=201, summary="A new employment")
async def rehire_employee(employee_id: Id, body: RehireBody, door: Door = allow("hr")) -> EmployeeView:
    """Only for real rehires; nothing of the old employment is restored."""
    employee = await door.transact(handlers.rehire_employee, employee_id, body.hired_on)
    door.set_location("employees", employee_id)
    return build_employee_view(door, employee)


@router.get("/employees/{employee_id}/employments", summary="All employments, oldest first")
async def list_employments(
    employee_id: Id, paging: Paging = Depends(paging), door: Door = allow("anyone")
) -> Page[rules.Employment]:
    """The reasons given are shown to `hr` only."""
    visibility = EmployeeVisibility.of(door.principal)
    found = await door.read(handlers.read_employments, employee_id, visibility, door.principal.has("hr"), paging)
    return make_page(found, paging, lambda _: (str((paging.number or 0) + paging.limit),))


@router.get("/hris/holds", summary="Departures that wait for a person")
async def list_held_departures(
    state: Annotated[rules.HoldState | None, Query()] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("hr", "ops"),
) -> Page[rules.HeldDeparture]:
    return make_page(await door.read(store.list_held_departures, paging, state), paging)


@router.post("/hris/holds/{hold_id}/confirm", summary="It is a departure")
async def confirm_held_departure(
    hold_id: Id, body: EmptyBody | None = None, door: Door = allow("hr")
) -> rules.HeldDeparture:
    return await door.transact(handlers.confirm_held_departure, hold_id)


@router.post("/hris/holds/{hold_id}/reject", summary="It is a mistake")
async def reject_held_departure(
    hold_id: Id, body: EmptyBody | None = None, door: Door = allow("hr")
) -> rules.HeldDeparture:
    return await door.transact(handlers.reject_held_departure, hold_id)
