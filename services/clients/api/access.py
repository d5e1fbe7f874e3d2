"""Access decisions: one, many at once, and the set questions."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from services.clients.api.opened import opened
from services.clients.domain.access import Action, Reason
from services.clients.handlers import figures
from services.clients.store.checks import EVERYBODY, HEADED, SELF, Answer, Gatherer, Question
from shared.auth import Principal, Role
from shared.errors import Forbidden, NotFound, NoToken
from shared.http.door import Door, allow
from shared.http.fields import Body, Id, Page, Paging, page, paging
from shared.service import Runtime

router = APIRouter(tags=["access"])

ASKERS: tuple[Role, ...] = ("employee", "sales_head", "director", "service")


class AccessCheck(Body):
    employee_id: Id
    client_id: Id
    action: Action


class AccessChecks(Body):
    checks: Annotated[list[AccessCheck], Field(min_length=1, max_length=1_000)]


class AccessDecision(BaseModel):
    allowed: bool
    reason: Reason
    decision_id: str
    decided_at: datetime


class AccessDecisions(BaseModel):
    results: list[AccessDecision]


CHECK: TypeAdapter[AccessCheck] = TypeAdapter(AccessCheck)
DOCUMENTED = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AccessCheck"}}},
    },
    "security": [{"HTTPBearer": []}],
}


def reach(principal: Principal) -> int:
    """About whom this caller may ask. Raises `Forbidden` if about nobody."""
    if principal.has("service", "director"):
        return EVERYBODY
    if principal.has("sales_head"):
        return HEADED
    if principal.has("employee"):
        return SELF
    raise Forbidden


@router.post(
    "/access/check",
    response_model=AccessDecision,
    openapi_extra=DOCUMENTED,
    summary="May this employee do this with this client, now?",
)
async def check(request: Request) -> Response:
    # The one path that telephony waits for: no dependencies, no second validation, one shared statement.
    runtime: Runtime = request.app.state.runtime
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NoToken
    principal = await runtime.keys.principal(token)
    asked = reach(principal)
    try:
        question = CHECK.validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError([{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]) from None
    gatherer: Gatherer = runtime.state["gatherer"]
    answer = await gatherer.check(
        Question(question.employee_id, question.client_id, question.action, principal.sub, asked)
    )
    if not answer.may_ask:
        raise Forbidden
    return Response(
        f'{{"allowed":{"true" if answer.allowed else "false"},"reason":"{answer.reason}",'
        f'"decision_id":"{answer.decision_id}","decided_at":"{_moment(answer)}"}}',
        media_type="application/json",
    )


def _moment(answer: Answer) -> str:
    return answer.decided_at.isoformat().replace("+00:00", "Z")


@router.post("/access/checks", response_model=AccessDecisions, summary="Up to 1,000 checks on one snapshot")
async def checks(body: AccessChecks, door: Door = allow(*ASKERS, ask_freeze=False)) -> Any:
    sub, asked = door.principal.sub, reach(door.principal)
    gatherer: Gatherer = door.runtime.state["gatherer"]
    answers = await gatherer.check_all(
        [Question(one.employee_id, one.client_id, one.action, sub, asked) for one in body.checks]
    )
    if not all(answer.may_ask for answer in answers):
        raise Forbidden
    return {"results": [answer._asdict() for answer in answers]}


class AllowedClient(BaseModel):
    client_id: str
    reason: Reason


class AllowedEmployee(BaseModel):
    employee_id: str
    reason: Reason


@router.get(
    "/access/clients", response_model=Page[AllowedClient], summary="With which clients may this employee do this?"
)
async def allowed_clients(
    employee_id: Id, action: Action = "read", paging: Paging = Depends(paging), door: Door = allow(*ASKERS)
) -> Any:
    rows = await door.transact(figures.allowed_clients, employee_id, action, door.principal.roles, paging)
    if rows is None:
        raise NotFound
    return page(rows, paging, lambda row: (row["client_id"],))


@router.get("/access/employees", response_model=Page[AllowedEmployee], summary="Who may do this with this client?")
async def allowed_employees(
    client_id: Id, action: Action = "read", paging: Paging = Depends(paging), door: Door = allow(*ASKERS)
) -> Any:
    rows = opened(await door.transact(figures.allowed_employees, client_id, action, door.principal.roles, paging))
    return page(rows, paging, lambda row: (row["employee_id"],))
