"""Passes."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from services.clients.api.clients import WithLocation
from services.clients.domain.access import Purpose
from services.clients.handlers import passes
from services.clients.store import freezes as store
from services.clients.store import refs
from shared.auth import Principal
from shared.errors import NotFound
from shared.http.door import Door, allow
from shared.http.fields import Body, Moment
from shared.ids import ClientRef, Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["passes"])


class NewPass(Body):
    id: Id | None = None
    employee_id: Id
    client_id: ClientRef
    from_time: Annotated[Moment, Field(alias="from")]
    until_time: Annotated[Moment, Field(alias="until")]
    purpose: Purpose


class Pass(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    id: str
    employee_id: str
    client_id: str
    from_time: Annotated[datetime, Field(alias="from")]
    until_time: Annotated[datetime, Field(alias="until")]
    purpose: Purpose
    granted_by: str
    granted_at: datetime
    case_id: str | None
    withdrawn_at: datetime | None


@router.post(
    "/access/passes",
    status_code=201,
    response_model=Pass,
    responses=WithLocation,
    summary="Give a frozen employee a pass",
)
async def grant(body: NewPass, door: Door = allow("hr", "sales_head", "director")) -> Any:
    given = await door.transact(passes.grant_by_hand, body.model_dump(), door.principal.roles)
    door.set_location("access", "passes", given["id"])
    return given


@router.get("/access/passes", response_model=Page[Pass], summary="Passes; an employee sees their own")
async def list_passes(
    employee_id: Id | None = None,
    client_id: ClientRef | None = None,
    purpose: Purpose | None = None,
    active: Annotated[bool | None, Query(description="in force now")] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director", "service"),
) -> Any:
    wanted = {"employee_id": employee_id, "client_id": client_id, "purpose": purpose}
    if client_id:
        wanted["client_id"] = await door.read(refs.real, client_id)
    return make_page(await door.read(store.some_passes, paging, reach(door.principal), wanted, active), paging)


@router.get("/access/passes/{pass_id}", response_model=Pass, summary="One pass")
async def read(pass_id: Id, door: Door = allow("employee", "hr", "sales_head", "director", "service")) -> Any:
    found = await door.read(store.some_passes, Paging(1, None), reach(door.principal), {"pass_id": pass_id})
    if not found:
        raise NotFound
    return found[0]


def reach(principal: Principal) -> str:
    """Of whom the caller sees passes and grants."""
    return "all" if principal.has("hr", "director", "service") else "headed" if principal.has("sales_head") else "own"


@router.delete("/access/passes/{pass_id}", status_code=204, summary="End a pass before its time")
async def withdraw(pass_id: Id, door: Door = allow("hr", "sales_head", "director")) -> None:
    await door.transact(passes.withdraw, pass_id, door.principal.roles)
