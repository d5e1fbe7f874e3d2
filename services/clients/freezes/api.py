"""Freezes by hand."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from services.clients.access.api import CREATED_RESPONSES
from services.clients.freezes import handlers, rules, store
from shared.http.door import Door, allow
from shared.http.fields import Body, Moment, Paragraphs
from shared.ids import Id
from shared.paging import Page, Paging, large_paging, make_page

router = APIRouter(tags=["freezes"])


class NewFreezeBody(Body):
    """`ref`: the incident, if it is one; several incidents of a person are grounds of their own."""

    employee_id: Id
    reason: Paragraphs
    kind: Literal["emergency", "incident"] = "emergency"
    ref: Id | None = None


class LiftFreezeBody(Body):
    reason: Paragraphs


@router.post("/access/freezes", status_code=201, responses=CREATED_RESPONSES, summary="Freeze somebody at once")
async def freeze_employee_by_hand(
    body: NewFreezeBody, door: Door = allow("hr", "sales_head", "director", "ops")
) -> rules.Freeze:
    frozen = await door.transact(
        handlers.freeze_employee_by_hand, body.employee_id, body.kind, body.ref, body.reason, door.principal.roles
    )
    door.set_location("access", "freezes", body.employee_id)
    return frozen


@router.get("/access/freezes", summary="Who is frozen")
async def list_freezes(
    since: Moment | None = None,
    paging: Paging = Depends(large_paging),
    door: Door = allow("hr", "sales_head", "director", "ops", "service", "auditor"),
) -> Page[rules.Freeze]:
    everybody = door.principal.has("hr", "director", "ops", "service", "auditor")
    freezes = await door.read(store.list_freezes, paging, since, everybody)
    shown = [rules.hide_reasons(freeze, door.principal.roles) for freeze in freezes]
    return make_page(shown, paging, lambda freeze: (freeze.employee_id,))


@router.get("/access/freezes/{employee_id}", summary="Why, since when and where somebody is frozen")
async def get_freeze(
    employee_id: Id, door: Door = allow("employee", "hr", "sales_head", "director", "ops", "service", "auditor")
) -> rules.Freeze:
    return await door.read(handlers.read_freeze, employee_id, door.principal.roles)


@router.delete(
    "/access/freezes/{employee_id}",
    responses={
        202: {"model": rules.LiftResult, "description": "Asked; a second person in another role must do the same"}
    },
    summary="Lift a freeze: two people in two roles",
)
async def request_or_confirm_lifting(
    employee_id: Id,
    reason: Annotated[Paragraphs | None, Query()] = None,
    body: LiftFreezeBody | None = None,
    door: Door = allow("hr", "sales_head", "director", "ops"),
) -> rules.LiftResult:
    why = body.reason if body else reason
    answer = await door.transact(handlers.request_or_confirm_lifting, employee_id, why, door.principal.roles)
    door.response.status_code = 200 if answer.lifted else 202
    return answer
