"""What was really used: the reports of CRM, mail and telephony."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.clients.journal.api import require_journal_space_at_door
from services.clients.permissions.rules import Action
from services.clients.usage import handlers, store
from shared.http.door import Door, allow
from shared.http.fields import Body, Moment, NotBoolean
from shared.ids import ClientRef, Id

router = APIRouter(tags=["usage"], dependencies=[Depends(require_journal_space_at_door)])


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


class UsageReportBody(Body):
    items: Annotated[list[UsageItem], Field(min_length=1, max_length=1_000)]


class RefusedItem(BaseModel):
    item: int = Field(description="its place in `items`, from 0")
    reason: str = Field(description="`unknown_employee`, `unknown_client`, `in_the_future`, `too_old`")


class UsageReportResult(BaseModel):
    recorded: int
    repeated: int = Field(description="how many were reported before")
    refused: list[RefusedItem]


@router.post("/usage", summary="Report what was really used, at most 1,000 items at a time")
async def report_usage(body: UsageReportBody, door: Door = allow("service")) -> UsageReportResult:
    outcomes = await door.transact(handlers.record_usage, [store.UsageRecord(**vars(item)) for item in body.items])
    refused = [
        RefusedItem(item=place, reason=outcome.refusal) for place, outcome in enumerate(outcomes) if outcome.refusal
    ]
    recorded = sum(outcome.is_new for outcome in outcomes)
    return UsageReportResult(recorded=recorded, repeated=len(outcomes) - recorded - len(refused), refused=refused)
