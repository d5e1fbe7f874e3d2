"""What was really used: the reports of CRM, mail and telephony."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.clients.domain.access import Action
from services.clients.handlers import usage
from services.clients.store.usage import Use
from shared.http.door import Door, allow
from shared.http.fields import Body, Moment, NotBoolean
from shared.ids import ClientRef, Id

router = APIRouter(tags=["usage"])


class Used(Body):
    """That an employee did this with a client. `system` says who reports it; with an `id` of its own it is known again
    by that, else by all of it."""

    id: Id | None = None
    employee_id: Id
    client_id: ClientRef
    action: Action
    rows: Annotated[int, Field(ge=1, le=1_000_000, description="how many records it was"), NotBoolean] = 1
    at: Moment
    system: Id


class Report(Body):
    items: Annotated[list[Used], Field(min_length=1, max_length=1_000)]


class Refusal(BaseModel):
    item: int = Field(description="its place in `items`, from 0")
    reason: str = Field(description="`unknown_employee`, `unknown_client`, `in_the_future`, `too_old`")


class Reported(BaseModel):
    recorded: int
    repeated: int = Field(description="how many were reported before")
    refused: list[Refusal]


def as_use(used: Used) -> Use:
    return Use(used.employee_id, used.client_id, used.action, used.rows, used.at, used.system, used.id)


@router.post("/usage", response_model=Reported, summary="Report what was really used, at most 1,000 items at a time")
async def report(body: Report, door: Door = allow("service")) -> Any:
    return await door.transact(usage.report, [as_use(used) for used in body.items])
