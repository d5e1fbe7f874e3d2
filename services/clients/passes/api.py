"""Passes: granted, listed, ended."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from services.clients.access.api import CREATED_RESPONSES, get_list_reach
from services.clients.names.store import get_client_id_or_ref
from services.clients.passes import handlers, store
from services.clients.permissions.rules import PassPurpose
from shared.contracts.clients import PassWanted
from shared.errors import NotFound
from shared.http.door import Door, allow
from shared.http.fields import Body, Moment
from shared.ids import ClientRef, Id, uuid7
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["passes"])


class NewPassBody(Body):
    id: Id | None = None
    employee_id: Id
    client_id: ClientRef
    from_time: Annotated[Moment, Field(alias="from")]
    until_time: Annotated[Moment, Field(alias="until")]
    purpose: PassPurpose


@router.post("/access/passes", status_code=201, responses=CREATED_RESPONSES, summary="Give a frozen employee a pass")
async def grant_pass(body: NewPassBody, door: Door = allow("hr", "sales_head", "director")) -> store.Pass:
    wanted = PassWanted(pass_id=body.id or uuid7(), **body.model_dump(exclude={"id", "employee_id"}))
    granted = await door.transact(handlers.grant_pass, body.employee_id, wanted, door.principal.roles)
    door.set_location("access", "passes", granted.id)
    return granted


@router.get("/access/passes", summary="Passes; an employee sees their own")
async def list_passes(
    employee_id: Id | None = None,
    client_id: ClientRef | None = None,
    purpose: PassPurpose | None = None,
    active: Annotated[bool | None, Query(description="in force now")] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director", "service"),
) -> Page[store.Pass]:
    if client_id:
        client_id = await door.read(get_client_id_or_ref, client_id)
    passes = await door.read(
        store.list_passes, paging, get_list_reach(door.principal), employee_id, client_id, purpose, active
    )
    return make_page(passes, paging, lambda one: (one.id,))


@router.get("/access/passes/{pass_id}", summary="One pass")
async def get_pass(
    pass_id: Id, door: Door = allow("employee", "hr", "sales_head", "director", "service")
) -> store.Pass:
    found = await door.read(store.get_pass, pass_id, get_list_reach(door.principal))
    if found is None:
        raise NotFound
    return found


@router.delete("/access/passes/{pass_id}", status_code=204, summary="End a pass before its time")
async def withdraw_pass(pass_id: Id, door: Door = allow("hr", "sales_head", "director")) -> None:
    await door.transact(handlers.withdraw_pass, pass_id, door.principal.roles)
