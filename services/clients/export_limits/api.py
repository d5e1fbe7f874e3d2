"""Exports beyond the limit, granted for a day."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.clients.access.api import get_list_reach
from services.clients.export_limits import handlers, store
from services.clients.register.api import CREATED_RESPONSES
from shared.http.door import Door, allow
from shared.http.fields import Body, Day, NotBoolean, Paragraphs
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["limits"])


class NewExportGrant(Body):
    """`clients`: how many beyond the limit; left out, as many as they like. `on`: today, if left out."""

    id: Id | None = None
    employee_id: Id
    clients: Annotated[int | None, Field(ge=1, le=10_000_000), NotBoolean] = None
    reason: Paragraphs
    on: Day | None = None


class ExportGrant(BaseModel):
    id: str
    employee_id: str
    on: date
    clients: int | None
    reason: str
    granted_by: str
    granted_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str | None


@router.post(
    "/access/export-grants",
    status_code=201,
    response_model=ExportGrant,
    responses=CREATED_RESPONSES,
    summary="Let an employee export more on one day; never oneself",
)
async def grant_export(body: NewExportGrant, door: Door = allow("hr", "sales_head", "director")) -> Any:
    given = await door.transact(handlers.grant_export, body.model_dump(), door.principal.roles)
    door.set_location("access", "export-grants", given["id"])
    return given


@router.get(
    "/access/export-grants", response_model=Page[ExportGrant], summary="What was granted; an employee sees their own"
)
async def list_export_grants(
    employee_id: Id | None = None,
    on: Day | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Any:
    return make_page(
        await door.read(store.list_export_grants, paging, get_list_reach(door.principal), employee_id, on), paging
    )


@router.delete(
    "/access/export-grants/{grant_id}", status_code=204, summary="End a grant; what was exported stays counted"
)
async def withdraw_export_grant(grant_id: Id, door: Door = allow("hr", "sales_head", "director")) -> None:
    await door.transact(handlers.withdraw_export_grant, grant_id, door.principal.roles)
