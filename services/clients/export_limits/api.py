"""Exports beyond the limit, granted for a day."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from services.clients.access.api import CREATED_RESPONSES, get_list_reach
from services.clients.export_limits import handlers, store
from shared.http.door import Door, allow
from shared.http.fields import Body, Day, NotBoolean, Paragraphs
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["limits"])


class NewExportGrantBody(Body):
    """`clients`: how many beyond the limit; left out, as many as they like. `on`: today, if left out."""

    id: Id | None = None
    employee_id: Id
    clients: Annotated[int | None, Field(ge=1, le=10_000_000), NotBoolean] = None
    reason: Paragraphs
    on: Day | None = None


@router.post(
    "/access/export-grants",
    status_code=201,
    responses=CREATED_RESPONSES,
    summary="Let an employee export more on one day; never oneself",
)
async def grant_export(
    body: NewExportGrantBody, door: Door = allow("hr", "sales_head", "director")
) -> store.ExportGrant:
    grant = await door.transact(
        handlers.grant_export, door.principal.roles, body.id, body.employee_id, body.clients, body.reason, body.on
    )
    door.set_location("access", "export-grants", grant.id)
    return grant


@router.get("/access/export-grants", summary="What was granted; an employee sees their own")
async def list_export_grants(
    employee_id: Id | None = None,
    on: Day | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Page[store.ExportGrant]:
    grants = await door.read(store.list_export_grants, paging, get_list_reach(door.principal), employee_id, on)
    return make_page(grants, paging, lambda grant: (grant.id,))


@router.delete(
    "/access/export-grants/{grant_id}", status_code=204, summary="End a grant; what was exported stays counted"
)
async def withdraw_export_grant(grant_id: Id, door: Door = allow("hr", "sales_head", "director")) -> None:
    await door.transact(handlers.withdraw_export_grant, grant_id, door.principal.roles)
