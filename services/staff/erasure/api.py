"""The doors of an erasure and of the record of it."""

from fastapi import APIRouter

from services.staff.erasure import handlers, rules
from shared.http.door import Door, allow
from shared.http.fields import Body, ShortText
from shared.ids import Id

router = APIRouter(tags=["erasures"])


class ErasureBody(Body):
    """Why, without saying who: such as the number of the request."""

    reason: ShortText


@router.post("/employees/{employee_id}/erase", summary="Erase who somebody was")
async def erase_employee(employee_id: Id, body: ErasureBody, door: Door = allow("hr")) -> rules.ErasureRecord:
    """For somebody who has left and whose case is closed. The id stays, so that what it did stays true; names, addresses
    and free text are emptied in all services. It cannot be undone, and the id never works here again."""
    return await door.transact(handlers.erase_employee, employee_id, body.reason)


@router.get("/employees/{employee_id}/erasure", summary="What was erased of somebody, and when")
async def get_erasure(employee_id: Id, door: Door = allow("hr", "auditor")) -> rules.ErasureRecord:
    return await door.read(handlers.read_erasure, employee_id)
