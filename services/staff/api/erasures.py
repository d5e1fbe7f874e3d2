"""Erasing who somebody was, and the act of it."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from services.staff.handlers import erasing
from shared.http.door import Door, allow
from shared.http.fields import Body, Line
from shared.ids import Id

router = APIRouter(tags=["erasures"])


class Erasure(Body):
    """Why, without saying who: such as the number of the request."""

    reason: Line


class ErasureAct(BaseModel):
    """`what`: by service how many of each kind were emptied. `waiting_for` have not answered yet; `held` keep under whom
    the journal names this person until a legal hold ends."""

    id: str
    erased_at: datetime
    by_id: str
    reason: str
    what: dict[str, dict[str, int]]
    waiting_for: list[str]
    held: list[str]


@router.post("/employees/{employee_id}/erase", response_model=ErasureAct, summary="Erase who somebody was")
async def erase(employee_id: Id, body: Erasure, door: Door = allow("hr")) -> Any:
    """For somebody who has left and whose case is closed. The id stays, so that what it did stays true; names, addresses
    and free text are emptied in all services. It cannot be undone, and the id never works here again."""
    return await door.transact(erasing.erase, employee_id, body.reason)


@router.get(
    "/employees/{employee_id}/erasure", response_model=ErasureAct, summary="What was erased of somebody, and when"
)
async def read(employee_id: Id, door: Door = allow("hr", "auditor")) -> Any:
    return await door.read(erasing.act, employee_id)
