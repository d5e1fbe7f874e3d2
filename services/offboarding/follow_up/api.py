"""Transferred clients since the handover, against the year before."""

from datetime import date
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.offboarding.follow_up import store
from services.offboarding.permissions.fields import get_viewer
from shared.http.door import Door, allow
from shared.http.fields import Money
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["cases"])


class FollowUpOut(BaseModel):
    """From `since` to `until`, against the same days a year before (`…_before`)."""

    case_id: str
    client_id: str
    successor_id: str
    since: date
    until: date
    revenue: Money
    revenue_before: Money
    orders: int
    orders_before: int
    delivered: int
    delivered_before: int
    on_time: int
    on_time_before: int


@router.get(
    "/followups", response_model=Page[FollowUpOut], summary="Transferred clients since, against the year before"
)
async def list_follow_ups(
    case_id: Id | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Any:
    follow_ups = await door.read(store.list_follow_ups, get_viewer(door), paging, case_id)
    return make_page(follow_ups, paging, lambda one: (one.case_id, one.client_id))
