"""Visits, and their outcome."""

from fastapi import APIRouter, Depends

from services.offboarding.permissions.fields import get_viewer
from services.offboarding.visits import handlers
from services.offboarding.visits.rules import Outcome, VisitOut
from shared.http.door import Door, allow
from shared.http.fields import Body, Paragraphs
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["introductions"])


class VisitOutcomeBody(Body):
    outcome: Outcome
    note: Paragraphs | None = None


@router.get("/visits", summary="Visits: your own, and those that you may know of")
async def list_visits(
    assignee_id: Id | None = None,
    case_id: Id | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Page[VisitOut]:
    visits = await door.transact(handlers.list_visits, get_viewer(door), paging, assignee_id, case_id)
    return make_page(visits, paging)


@router.post("/visits/{visit_id}/outcome", summary="What came of the visit")
async def record_visit_outcome(
    visit_id: Id, body: VisitOutcomeBody, door: Door = allow("employee", "sales_head", "director")
) -> VisitOut:
    return await door.transact(handlers.record_visit_outcome, get_viewer(door), visit_id, body.outcome, body.note)
