"""Cases: where each stands, what it waits for, what happened, and what a person decides about it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, BeforeValidator

from services.offboarding.cases import handlers, store
from services.offboarding.permissions.api import get_viewer
from services.offboarding.permissions.store import get_visible_case
from shared.database import UnitOfWork
from shared.http.door import Door, allow
from shared.http.fields import Body, Paragraphs
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging


class StepOut(BaseModel):
    name: Literal["freeze", "assess", "plan", "transfer", "hand_over", "clear", "follow_up"]
    status: Literal["pending", "running", "waiting", "done", "skipped", "undone"]
    items: int = 0
    done: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None


class WaitingOut(BaseModel):
    """`what`: the kind of a task, `plan_approval`, `introductions`, `visits`, `last_day`, a command under way, or why
    something failed. `number` counts introductions, visits or commands of the same person."""

    what: str
    who_id: str | None
    since: datetime | None
    due_on: date | None
    number: int = 1


class CaseSummaryOut(BaseModel):
    id: str
    employee_id: str
    employment_id: str
    status: Literal["open", "needs_person", "cleared", "cancelled"]
    step: str
    steps: list[StepOut]
    notice_on: date
    last_day: date
    opened_at: datetime
    cleared_at: datetime | None = None
    cancelled_at: datetime | None = None
    head_of_sales_id: str | None = None
    waiting_for: list[WaitingOut] = []


class CaseOut(CaseSummaryOut):
    """`stayed`: clients that an undo left with their successors, who confirmed or moved on since."""

    stayed: list[str] = []


class TimelineEntryOut(BaseModel):
    id: Annotated[str, BeforeValidator(str)]
    at: datetime
    what: str
    step: str | None
    by_id: str
    details: dict[str, Any]


router = APIRouter(tags=["cases"])

CaseStatus = Literal["open", "needs_person", "cleared", "cancelled"]

StepName = Literal["freeze", "assess", "plan", "transfer", "hand_over", "clear", "follow_up"]


class RetryBody(Body):
    """Only this step; without it everything that failed."""

    step: StepName | None = None


class SkipBody(Body):
    reason: Paragraphs
    step: StepName | None = None


@router.get("/cases", response_model=Page[CaseSummaryOut], summary="Cases that you may know of")
async def list_cases(
    employee_id: Id | None = None,
    status: CaseStatus | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Any:
    return await door.read(handlers.list_cases, get_viewer(door), paging, employee_id, status)


@router.get("/cases/{case_id}", response_model=CaseOut, summary="Where a case stands and what it waits for")
async def get_case(case_id: Id, door: Door = allow("employee", "hr", "sales_head", "director")) -> Any:
    return await door.read(handlers.get_case, get_viewer(door), case_id)


@router.get(
    "/cases/{case_id}/timeline", response_model=Page[TimelineEntryOut], summary="What happened in a case, in order"
)
async def get_timeline(
    case_id: Id,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Any:
    async def read(work: UnitOfWork) -> Any:
        await get_visible_case(work, get_viewer(door), case_id)
        return make_page(await store.list_timeline(work, paging, case_id), paging, lambda row: (str(row["id"]),))

    return await door.read(read)


@router.post("/cases/{case_id}/retry", response_model=CaseOut, summary="Try again what failed")
async def retry_case(case_id: Id, body: RetryBody, door: Door = allow("sales_head", "director")) -> Any:
    """Only the head of sales of the case. A command or computation is repeated. A transfer that failed in part is planned
    anew for what is still with the leaver, and waits for approval again; so is, with `step` `plan`, a plan that awaits
    approval. Where a withdrawal came after the case was cleared, this lifts the freeze and restores nothing."""

    async def act(work: UnitOfWork) -> Any:
        await handlers.retry_failed_items(work, get_viewer(door), case_id, body.step)
        return await handlers.get_case(work, get_viewer(door), case_id)

    return await door.transact(act)


@router.post("/cases/{case_id}/skip", response_model=CaseOut, summary="Go on without what failed")
async def skip_failures(case_id: Id, body: SkipBody, door: Door = allow("sales_head", "director")) -> Any:
    """Only the head of sales of the case. What was not transferred stays with the caretaker and is written through to
    them at the end; the reason stands in the certificate."""

    async def act(work: UnitOfWork) -> Any:
        await handlers.skip_failed_items(work, get_viewer(door), case_id, body.step, body.reason)
        return await handlers.get_case(work, get_viewer(door), case_id)

    return await door.transact(act)
