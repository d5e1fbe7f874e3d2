"""Access decisions: one, many at once, and the set questions."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from services.clients.api.opened import opened
from services.clients.domain.access import Action, Reason, Rule
from services.clients.handlers import figures
from services.clients.handlers.guarding import must_have_room
from services.clients.store.checks import EVERYBODY, HEADED, SELF, Answer, Gatherer, Question
from services.clients.store.sets import Asked
from shared.auth import Principal, Role
from shared.errors import Forbidden, NotFound, NoToken
from shared.http.door import Door, allow
from shared.http.fields import Body
from shared.ids import ClientRef, Id
from shared.paging import Page, Paging, encode_cursor, large_paging
from shared.service import Runtime

router = APIRouter(tags=["access"])

ASKERS: tuple[Role, ...] = ("employee", "sales_head", "director", "service")


class AccessCheck(Body):
    employee_id: Id
    client_id: ClientRef
    action: Action


class AccessChecks(Body):
    checks: Annotated[list[AccessCheck], Field(min_length=1, max_length=1_000)]


class RuleTried(BaseModel):
    """One rule of the decision. `allows`: of each relation or pass that holds, what it allows."""

    rule: Rule
    outcome: Literal["passed", "allowed", "refused", "not_asked"]
    reason: Reason | None = None
    allows: dict[str, list[Action]] | None = None


class AccessDecision(BaseModel):
    allowed: bool
    reason: Reason
    decision_id: str
    decided_at: datetime
    rules: list[RuleTried] | None = Field(default=None, description="with `explain=true`: all rules, in their order")


class AccessDecisions(BaseModel):
    results: list[AccessDecision]


CHECK: TypeAdapter[AccessCheck] = TypeAdapter(AccessCheck)
DOCUMENTED = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AccessCheck"}}},
    },
    "parameters": [{"name": "explain", "in": "query", "required": False, "schema": {"type": "boolean"}}],
    "security": [{"HTTPBearer": []}],
}
TRUTH: TypeAdapter[bool] = TypeAdapter(bool)


def reach(principal: Principal, explain: bool = False) -> int:
    """About whom this caller may ask. Raises `Forbidden` if about nobody."""
    if principal.has("service", "director") or (explain and principal.has("auditor", "ops")):
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
    explained = bool(request.scope["query_string"]) and _explained(request)
    asked = reach(principal, explained)
    try:
        question = CHECK.validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError([{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]) from None
    must_have_room(runtime)
    gatherer: Gatherer = runtime.state["gatherer"]
    asking = Question(question.employee_id, question.client_id, question.action, principal.sub, asked, principal.system)
    answer = (
        (await gatherer.explain([asking], counting=_acts(principal, [asking])))[0]
        if explained
        else await gatherer.check(asking)
    )
    if not answer.may_ask:
        raise Forbidden
    if explained:
        shown = AccessDecision.model_validate(answer, from_attributes=True)
        return Response(shown.model_dump_json(exclude_none=True), media_type="application/json")
    return Response(
        f'{{"allowed":{"true" if answer.allowed else "false"},"reason":"{answer.reason}",'
        f'"decision_id":"{answer.decision_id}","decided_at":"{_moment(answer)}"}}',
        media_type="application/json",
    )


def _explained(request: Request) -> bool:
    faults = [
        {"type": "extra_forbidden", "loc": ("query", name), "msg": "there is no such parameter"}
        for name in sorted(request.query_params.keys() - {"explain"})
    ]
    if faults:
        raise RequestValidationError(faults)
    try:
        return TRUTH.validate_python(request.query_params["explain"])
    except ValidationError as error:
        raise RequestValidationError([{**fault, "loc": ("query", "explain")} for fault in error.errors()]) from None


def _acts(principal: Principal, questions: Sequence[Question]) -> bool:
    """Whether the answer is for acting by it. Who only looks at a decision uses nothing up of what may be exported."""
    only_looks = principal.has("auditor", "ops") and not principal.has("service")
    return not only_looks or all(question.employee_id == principal.sub for question in questions)


def _moment(answer: Answer) -> str:
    return answer.decided_at.isoformat().replace("+00:00", "Z")


@router.post(
    "/access/checks",
    response_model=AccessDecisions,
    response_model_exclude_none=True,
    summary="Up to 1,000 checks on one snapshot",
)
async def checks(
    body: AccessChecks,
    explain: bool = False,
    door: Door = allow(*ASKERS, "auditor", "ops", ask_freeze=False),
) -> Any:
    principal, asked = door.principal, reach(door.principal, explain)
    must_have_room(door.runtime)
    gatherer: Gatherer = door.runtime.state["gatherer"]
    questions = [
        Question(one.employee_id, one.client_id, one.action, principal.sub, asked, principal.system)
        for one in body.checks
    ]
    answers = (
        await gatherer.explain(questions, counting=_acts(principal, questions))
        if explain
        else await gatherer.check_all(questions)
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
    employee_id: Id, action: Action = "read", paging: Paging = Depends(large_paging), door: Door = allow(*ASKERS)
) -> Response:
    must_have_room(door.runtime)
    asked = await door.transact(figures.allowed_clients, employee_id, action, door.principal.roles, paging)
    if asked is None:
        raise NotFound
    return _sent(asked)


@router.get("/access/employees", response_model=Page[AllowedEmployee], summary="Who may do this with this client?")
async def allowed_employees(
    client_id: ClientRef, action: Action = "read", paging: Paging = Depends(large_paging), door: Door = allow(*ASKERS)
) -> Response:
    must_have_room(door.runtime)
    return _sent(
        opened(await door.transact(figures.allowed_employees, client_id, action, door.principal.roles, paging))
    )


def _sent(asked: Asked) -> Response:
    cursor = json.dumps(encode_cursor([asked.last]) if asked.last else None)
    return Response(f'{{"items":[{asked.body}],"next_cursor":{cursor}}}', media_type="application/json")
