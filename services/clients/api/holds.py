"""Legal holds: what the journal knows of somebody is kept until they end."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.clients.api.clients import WithLocation
from services.clients.handlers import archiving
from services.clients.store import archive
from shared.http.door import Door, allow
from shared.http.fields import Body, Line
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["journal"])


class NewHold(Body):
    """`reason`: why, such as the number of the proceedings."""

    employee_id: Id
    reason: Line


class Hold(BaseModel):
    employee_id: str
    reason: str
    by_id: str
    at: datetime


@router.post(
    "/journal/holds",
    status_code=201,
    response_model=Hold,
    responses=WithLocation,
    summary="Keep what the journal knows of somebody",
)
async def hold(body: NewHold, door: Door = allow("hr", "director")) -> Any:
    held = await door.transact(archiving.hold, body.employee_id, body.reason)
    door.set_location("journal", "holds", body.employee_id)
    return held


@router.get("/journal/holds", response_model=Page[Hold], summary="Who is held")
async def list_holds(paging: Paging = Depends(paging), door: Door = allow("hr", "director", "auditor")) -> Any:
    return make_page(await door.read(archive.holds, paging), paging, lambda row: (row["employee_id"],))


@router.delete("/journal/holds/{employee_id}", status_code=204, summary="End a legal hold")
async def release(employee_id: Id, door: Door = allow("hr", "director")) -> None:
    await door.transact(archiving.release, employee_id)
