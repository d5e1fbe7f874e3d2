"""Cases: where each stands, what it waits for, what happened, and what a person decides about it."""

from fastapi import APIRouter, Depends

from services.offboarding.cases import handlers
from services.offboarding.cases.rules import CaseDetails, CaseSummary, StepName, TimelineEntry
from services.offboarding.permissions.fields import get_viewer
from services.offboarding.saga import CaseStatus
from shared.http.door import Door, allow
from shared.http.fields import Body, Paragraphs
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["cases"])


class RetryFailedItemsBody(Body):
    """Only this step; without it everything that failed."""

    step: StepName | None = None


class SkipFailedItemsBody(Body):
    reason: Paragraphs
    step: StepName | None = None


@router.get("/cases", summary="Cases that you may know of")
async def list_cases(
    employee_id: Id | None = None,
    status: CaseStatus | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Page[CaseSummary]:
    cases = await door.read(handlers.list_cases, get_viewer(door), paging, employee_id, status)
    return make_page(cases, paging)


@router.get("/cases/{case_id}", summary="Where a case stands and what it waits for")
async def get_case(case_id: Id, door: Door = allow("employee", "hr", "sales_head", "director")) -> CaseDetails:
    return await door.read(handlers.get_case, get_viewer(door), case_id)


@router.get("/cases/{case_id}/timeline", summary="What happened in a case, in order")
async def list_timeline(
    case_id: Id,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Page[TimelineEntry]:
    entries = await door.read(handlers.list_timeline, get_viewer(door), paging, case_id)
    return make_page(entries, paging)


@router.post("/cases/{case_id}/retry", summary="Try again what failed")
async def retry_failed_items(
    case_id: Id, body: RetryFailedItemsBody, door: Door = allow("sales_head", "director")
) -> CaseDetails:
    """Only the head of sales of the case. A command or computation is repeated. A transfer that failed in part is planned
    anew for what is still with the leaver, and waits for approval again; so is, with `step` `plan`, a plan that awaits
    approval. Where a withdrawal came after the case was cleared, this lifts the freeze and restores nothing."""
    return await door.transact(handlers.retry_failed_items, get_viewer(door), case_id, body.step)


@router.post("/cases/{case_id}/skip", summary="Go on without what failed")
async def skip_failed_items(
    case_id: Id, body: SkipFailedItemsBody, door: Door = allow("sales_head", "director")
) -> CaseDetails:
    """Only the head of sales of the case. What was not transferred stays with the caretaker and is written through to
    them at the end; the reason stands in the certificate."""
    return await door.transact(handlers.skip_failed_items, get_viewer(door), case_id, body.step, body.reason)
