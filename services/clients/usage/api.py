"""What was really used: the reports of CRM, mail and telephony."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.clients.permissions.rules import Action
from services.clients.usage import handlers, store
from shared.http.door import Door, allow
from shared.http.fields import Body, Moment, NotBoolean
from shared.ids import ClientRef, Id

router = APIRouter(tags=["usage"])


class UsageItem(Body):
    """That an employee did this with a client. `system` says who reports it; with an `id` of its own it is known again
    by that, else by all of it."""

    id: Id | None = None
    employee_id: Id
    client_id: ClientRef
    action: Action
    rows: Annotated[int, Field(ge=1, le=1_000_000, description="how many records it was"), NotBoolean] = 1
    at: Moment
    system: Id


class UsageReport(Body):
    items: Annotated[list[UsageItem], Field(min_length=1, max_length=1_000)]


class RefusedItem(BaseModel):
    item: int = Field(description="its place in `items`, from 0")
    reason: str = Field(description="`unknown_employee`, `unknown_client`, `in_the_future`, `too_old`")


class UsageReportResult(BaseModel):
    recorded: int
    repeated: int = Field(description="how many were reported before")
    refused: list[RefusedItem]


def to_usage_record(used: UsageItem) -> store.UsageRecord:
    return store.UsageRecord(used.employee_id, used.client_id, used.action, used.rows, used.at, used.system, used.id)


@router.post(
    "/usage", response_model=UsageReportResult, summary="Report what was really used, at most 1,000 items at a time"
)
async def report_usage(body: UsageReport, door: Door = allow("service")) -> Any:
    return await door.transact(handlers.record_usage, [to_usage_record(used) for used in body.items])
