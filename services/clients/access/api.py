"""Access decisions: one, many at once, and the set questions."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from services.clients.access import handlers
from services.clients.access.rules import RuleOutcome
from services.clients.access.store.actor import ListReach
from services.clients.access.store.checks import (
    REACH_EVERYBODY,
    REACH_HEADED,
    REACH_SELF,
    AccessAnswer,
    AccessQuestion,
    CheckBatcher,
)
from services.clients.access.store.sets import AllowedPage
from services.clients.journal.handlers import require_journal_space
from services.clients.permissions.rules import Action, Reason
from shared.auth import Principal, Role
from shared.errors import Forbidden, NoToken
from shared.http.door import Door, allow
from shared.http.fields import Body
from shared.ids import ClientRef, Id
from shared.paging import Page, Paging, encode_cursor, large_paging
from shared.service import Runtime

router = APIRouter(tags=["access"])
CREATED_RESPONSES: dict[int | str, dict[str, Any]] = {
    201: {"headers": {"Location": {"schema": {"type": "string"}, "description": "Where it is"}}}
}
ASKERS: tuple[Role, ...] = ("employee", "sales_head", "director", "service")


class AccessCheckBody(Body):
    employee_id: Id
    client_id: ClientRef
    action: Action


class AccessChecksBody(Body):
    checks: Annotated[list[AccessCheckBody], Field(min_length=1, max_length=1_000)]


class AccessDecision(BaseModel):
    allowed: bool
    reason: Reason
    decision_id: str
    decided_at: datetime
    rules: list[RuleOutcome] | None = Field(default=None, description="with `explain=true`: all rules, in their order")


class AccessDecisions(BaseModel):
    results: list[AccessDecision]


ACCESS_CHECK_ADAPTER: TypeAdapter[AccessCheckBody] = TypeAdapter(AccessCheckBody)

CHECK_OPENAPI = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AccessCheckBody"}}},
    },
    "parameters": [{"name": "explain", "in": "query", "required": False, "schema": {"type": "boolean"}}],
    "security": [{"HTTPBearer": []}],
}

BOOLEAN_ADAPTER: TypeAdapter[bool] = TypeAdapter(bool)


def get_question_reach(principal: Principal, explain: bool = False) -> int:
    """About whom this caller may ask. Raises `Forbidden` if about nobody."""
    if principal.has("service", "director") or (explain and principal.has("auditor", "ops")):
        return REACH_EVERYBODY
    if principal.has("sales_head"):
        return REACH_HEADED
    if principal.has("employee"):
        return REACH_SELF
    raise Forbidden


@router.post(
    "/access/check",
    response_model=AccessDecision,
    openapi_extra=CHECK_OPENAPI,
    summary="May this employee do this with this client, now?",
)
async def check_access(request: Request) -> Response:
    # The one path that telephony waits for: no dependencies, no second validation, one shared statement.
    runtime: Runtime = request.app.state.runtime
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NoToken
    principal = await runtime.keys.authenticate(token)
    explained = bool(request.scope["query_string"]) and _parse_explain(request)
    asked = get_question_reach(principal, explained)
    try:
        question = ACCESS_CHECK_ADAPTER.validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError([{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]) from None
    require_journal_space(runtime)
    batcher: CheckBatcher = runtime.state["check_batcher"]
    asking = AccessQuestion(
        question.employee_id, question.client_id, question.action, principal.sub, asked, principal.system
    )
    answer = (
        (await batcher.explain([asking], counting=_counts_exports(principal, [asking])))[0]
        if explained
        else await batcher.check(asking)
    )
    if not answer.may_ask:
        raise Forbidden
    if explained:
        shown = AccessDecision.model_validate(answer, from_attributes=True)
        return Response(shown.model_dump_json(exclude_none=True), media_type="application/json")
    return Response(
        f'{{"allowed":{"true" if answer.allowed else "false"},"reason":"{answer.reason}",'
        f'"decision_id":"{answer.decision_id}","decided_at":"{_format_time(answer)}"}}',
        media_type="application/json",
    )


def _parse_explain(request: Request) -> bool:
    faults = [
        {"type": "extra_forbidden", "loc": ("query", name), "msg": "there is no such parameter"}
        for name in sorted(request.query_params.keys() - {"explain"})
    ]
    if faults:
        raise RequestValidationError(faults)
    try:
        return BOOLEAN_ADAPTER.validate_python(request.query_params["explain"])
    except ValidationError as error:
        raise RequestValidationError([{**fault, "loc": ("query", "explain")} for fault in error.errors()]) from None


def _counts_exports(principal: Principal, questions: Sequence[AccessQuestion]) -> bool:
    """Whether the answer is for acting by it. Who only looks at a decision uses nothing up of what may be exported."""
    only_looks = principal.has("auditor", "ops") and not principal.has("service")
    return not only_looks or all(question.employee_id == principal.sub for question in questions)


def _format_time(answer: AccessAnswer) -> str:
    return answer.decided_at.isoformat().replace("+00:00", "Z")


@router.post("/access/checks", response_model_exclude_none=True, summary="Up to 1,000 checks on one snapshot")
async def check_access_of_many(
    body: AccessChecksBody,
    explain: bool = False,
    door: Door = allow(*ASKERS, "auditor", "ops", drop_roles_if_frozen=False),
) -> AccessDecisions:
    principal, asked = door.principal, get_question_reach(door.principal, explain)
    require_journal_space(door.runtime)
    batcher: CheckBatcher = door.runtime.state["check_batcher"]
    questions = [
        AccessQuestion(one.employee_id, one.client_id, one.action, principal.sub, asked, principal.system)
        for one in body.checks
    ]
    answers = (
        await batcher.explain(questions, counting=_counts_exports(principal, questions))
        if explain
        else await batcher.check_all(questions)
    )
    if not all(answer.may_ask for answer in answers):
        raise Forbidden
    return AccessDecisions.model_validate({"results": answers}, from_attributes=True)


class AllowedClient(BaseModel):
    client_id: str
    reason: Reason


class AllowedEmployee(BaseModel):
    employee_id: str
    reason: Reason


@router.get(
    "/access/clients", response_model=Page[AllowedClient], summary="With which clients may this employee do this?"
)
async def list_allowed_clients(
    employee_id: Id, action: Action = "read", paging: Paging = Depends(large_paging), door: Door = allow(*ASKERS)
) -> Response:
    require_journal_space(door.runtime)
    page = await door.transact(handlers.list_allowed_clients, employee_id, action, door.principal.roles, paging)
    return _allowed_response(page)


@router.get("/access/employees", response_model=Page[AllowedEmployee], summary="Who may do this with this client?")
async def list_allowed_employees(
    client_id: ClientRef, action: Action = "read", paging: Paging = Depends(large_paging), door: Door = allow(*ASKERS)
) -> Response:
    require_journal_space(door.runtime)
    page = await door.transact(handlers.list_allowed_employees, client_id, action, door.principal.roles, paging)
    return _allowed_response(page)


def _allowed_response(page: AllowedPage) -> Response:
    cursor = json.dumps(encode_cursor([page.next_after]) if page.next_after else None)
    return Response(f'{{"items":[{page.items_json}],"next_cursor":{cursor}}}', media_type="application/json")


def get_list_reach(principal: Principal) -> ListReach:
    """Of whom the caller sees passes and grants."""
    return "all" if principal.has("hr", "director", "service") else "headed" if principal.has("sales_head") else "own"
