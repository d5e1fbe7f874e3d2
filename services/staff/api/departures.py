"""The life of an employment: resignation, departure, reversal, rehire."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.staff.api.shapes import Employee, shown
from services.staff.handlers import departures as handlers
from services.staff.handlers.bodies import Reason, Resignation
from services.staff.store import reading
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.http.door import Door, allow
from shared.http.fields import Body, Day
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


class LifeChange(BaseModel):
    kind: str
    at: datetime
    by_id: str
    status: str
    notice_on: date | None
    last_day: date | None
    ends_on: date | None
    left_on: date | None
    reason: str | None


class Employment(BaseModel):
    """Nothing is ever overwritten: `changes` has every word that was said."""

    employment_id: str
    hired_on: date
    status: Literal["active", "resigned", "left"]
    notice_on: date | None
    last_day: date | None
    ends_on: date | None
    left_on: date | None
    changes: list[LifeChange]


@router.post(
    "/employees/{employee_id}/resignation", status_code=202, response_model=Employee, summary="Announce a resignation"
)
async def resign(employee_id: Id, body: Resignation, door: Door = allow("hr")) -> Any:
    """Again with other dates: changes them. 409 if this person has already left."""
    return await door.transact(_resign, employee_id, body)


async def _resign(work: UnitOfWork, employee_id: str, body: Resignation) -> dict[str, Any]:
    return shown(await handlers.resign(work, employee_id, body))


@router.delete(
    "/employees/{employee_id}/resignation", status_code=202, response_model=Employee, summary="Withdraw a resignation"
)
async def withdraw(employee_id: Id, door: Door = allow("hr")) -> Any:
    return shown(await door.transact(handlers.withdraw, employee_id))


@router.post(
    "/employees/{employee_id}/departure", status_code=202, response_model=Employee, summary="The last day is over"
)
async def leave(employee_id: Id, body: Departure, door: Door = allow("hr")) -> Any:
    """Also without notice: a dismissal."""
    return await door.transact(_leave, employee_id, body)


async def _leave(work: UnitOfWork, employee_id: str, body: Departure) -> dict[str, Any]:
    return shown(await handlers.leave(work, employee_id, body.on, body.reason))


@router.post(
    "/employees/{employee_id}/departure/reversal",
    status_code=202,
    response_model=Employee,
    summary="The departure was a mistake",
)
async def reverse(employee_id: Id, body: Reversal, door: Door = allow("hr")) -> Any:
    """The same employment goes on."""
    return await door.transact(_reverse, employee_id, body)


async def _reverse(work: UnitOfWork, employee_id: str, body: Reversal) -> dict[str, Any]:
    return shown(await handlers.reverse(work, employee_id, body.reason))


@router.post("/employees/{employee_id}/rehire", status_code=201, response_model=Employee, summary="A new employment")
async def rehire(employee_id: Id, body: Rehire, door: Door = allow("hr")) -> Any:
    """Only for real rehires; nothing of the old employment is restored."""
    employee = await door.transact(_rehire, employee_id, body)
    door.set_location("employees", employee_id)
    return employee


async def _rehire(work: UnitOfWork, employee_id: str, body: Rehire) -> dict[str, Any]:
    return shown(await handlers.rehire(work, employee_id, body.hired_on))


@router.get(
    "/employees/{employee_id}/employments", response_model=Page[Employment], summary="All employments, oldest first"
)
async def employments(employee_id: Id, paging: Paging = Depends(paging), door: Door = allow("anyone")) -> Any:
    """The reasons given are shown to `hr` only."""
    return make_page(await door.read(_employments, employee_id, paging, door), paging, lambda row: (str(row["nth"]),))


async def _employments(work: UnitOfWork, employee_id: str, paging: Paging, door: Door) -> list[dict[str, Any]]:
    if not await reading.employees(work, reading.Sight.of(door.principal), id=employee_id):
        raise NotFound
    hr = door.principal.has("hr")
    return [
        {**row, "changes": [{**change, "reason": change["reason"] if hr else None} for change in row["changes"]]}
        for row in await reading.employments(work, employee_id, paging)
    ]
