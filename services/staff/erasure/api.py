"""The doors of an erasure and of the record of it."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from services.staff.erasure import handlers
from shared.http.door import Door, allow
from shared.http.fields import Body, Line
from shared.ids import Id

router = APIRouter(tags=["erasures"])


class ErasureRequest(Body):
    """Why, without saying who: such as the number of the request."""

    reason: Line


class ErasureRecord(BaseModel):
    """`what`: by service how many of each kind were emptied. `waiting_for` have not answered yet; `held` keep under whom
    the journal names this person until a legal hold ends."""

    id: str
    erased_at: datetime
    by_id: str
    reason: str
    what: dict[str, dict[str, int]]
    waiting_for: list[str]
    held: list[str]


@router.post("/employees/{employee_id}/erase", response_model=ErasureRecord, summary="Erase who somebody was")
async def erase_employee(employee_id: Id, body: ErasureRequest, door: Door = allow("hr")) -> Any:
    """For somebody who has left and whose case is closed. The id stays, so that what it did stays true; names, addresses
    and free text are emptied in all services. It cannot be undone, and the id never works here again."""
    return await door.transact(handlers.erase_employee, employee_id, body.reason)


@router.get(
    "/employees/{employee_id}/erasure", response_model=ErasureRecord, summary="What was erased of somebody, and when"
)
async def get_erasure(employee_id: Id, door: Door = allow("hr", "auditor")) -> Any:
    return await door.read(handlers.read_erasure, employee_id)
