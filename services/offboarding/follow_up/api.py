"""Transferred clients since the handover, against the year before."""

from fastapi import APIRouter, Depends

from services.offboarding.follow_up import store
from services.offboarding.follow_up.rules import FollowUp
from services.offboarding.permissions.fields import get_viewer
from shared.http.door import Door, allow
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["cases"])


@router.get("/followups", summary="Transferred clients since, against the year before")
async def list_follow_ups(
    case_id: Id | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Page[FollowUp]:
    follow_ups = await door.read(store.list_follow_ups, get_viewer(door), paging, case_id)
    return make_page(follow_ups, paging, lambda one: (one.case_id, one.client_id))
