"""The doors of the HRIS: sources, what became of messages, and the signed door for webhooks.

Whoever cannot sign learns nothing at it, not even whether the source exists.
"""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from services.staff.hris import fields, handlers, rules, store
from shared.database import UnitOfWork
from shared.errors import Unprocessable
from shared.http.door import Door, allow
from shared.http.fields import EmptyBody
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging
from shared.service import Runtime

router = APIRouter(tags=["hris"])

SOURCE_ID_PATTERN = re.compile(r"[\w.:@-]{1,64}")
WEBHOOK_ID_PATTERN = re.compile(r"[\x21-\x7e]{1,200}")
WEBHOOK_DOCUMENTATION: dict[str, Any] = {
    "security": [],
    "parameters": [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "type": {"type": "string"},
                        "timestamp": {"type": "string", "format": "date-time"},
                        "data": {"type": "object"},
                    },
                    "required": ["type", "timestamp", "data"],
                }
            }
        },
    },
}


class UnusableWebhook(Unprocessable, code="unusable_message"):
    """The message was kept as refused: its content cannot be right. `errors` says what was expected."""


class WebhookAnswer(BaseModel):
    """`outcome`: applied, pending (who it is about is not known yet), held, old, ignored, repeated."""

    outcome: str
    message_id: str | None = None


@router.post("/hris/sources", status_code=201, summary="Add a source of news")
async def create_source(body: fields.NewSourceBody, door: Door = allow("ops")) -> rules.HrisSource:
    """Answers with the secret this one time."""
    source = await door.transact(handlers.create_source, body)
    door.set_location("hris", "sources", body.id)
    return source


@router.get("/hris/sources", summary="Sources of news")
async def list_sources(paging: Paging = Depends(paging), door: Door = allow("ops", "hr")) -> Page[rules.HrisSource]:
    return make_page(await door.read(store.list_sources, paging), paging)


@router.get("/hris/sources/{source_id}", summary="One source, without its secret")
async def get_source(source_id: Id, door: Door = allow("ops")) -> rules.HrisSource:
    return await door.read(store.get_source, source_id)


@router.post("/hris/sources/{source_id}/secret", status_code=201, summary="Renew the secret")
async def rotate_secret(
    source_id: Id, body: fields.NewSecretBody | None = None, door: Door = allow("ops")
) -> rules.HrisSource:
    """The one before stays valid for 24 hours."""
    return await door.transact(handlers.rotate_secret, source_id, body or fields.NewSecretBody())


@router.get("/hris/messages", summary="Webhooks and what became of them")
async def list_messages(
    outcome: Annotated[rules.MessageOutcome | None, Query()] = None,
    source_id: Annotated[Id | None, Query()] = None,
    employee_id: Annotated[Id | None, Query()] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("hr", "ops"),
) -> Page[rules.ReceivedMessage]:
    """Without their content. Departures that are `old`, `refused` or `pending` and seen by nobody raise the alarm."""
    return make_page(await door.read(store.list_messages, paging, outcome, source_id, employee_id), paging)


@router.post("/hris/messages/{message_id}/seen", status_code=204, summary="Somebody has looked at it")
async def mark_message_seen(message_id: Id, body: EmptyBody | None = None, door: Door = allow("hr", "ops")) -> None:
    """Ends the alarm of this message."""
    await door.transact(handlers.mark_message_seen, message_id)


@router.post(
    "/hris/webhooks/{source_id}",
    status_code=202,
    summary="News from the HRIS (Standard Webhooks)",
    openapi_extra=WEBHOOK_DOCUMENTATION,
)
async def receive_webhook(source_id: str, request: Request) -> WebhookAnswer:
    """Signed with the source's secret over the raw body; the same `webhook-id` again does nothing."""
    runtime: Runtime = request.app.state.runtime
    body = await request.body()
    webhook_id = request.headers.get("webhook-id", "")
    if not SOURCE_ID_PATTERN.fullmatch(source_id) or not WEBHOOK_ID_PATTERN.fullmatch(webhook_id):
        raise rules.NotSigned

    async def receive(work: UnitOfWork) -> tuple[str, handlers.MessageResult] | None:
        work.traceparent = request.scope.get("traceparent")
        return await handlers.receive_message(work, source_id, webhook_id, request.headers, body)

    received = await runtime.transact_as(f"hris/{source_id}", receive)
    if received is None:
        return WebhookAnswer(outcome="repeated")
    message_id, result = received
    if result.outcome == "refused":
        raise UnusableWebhook(errors=[{"loc": ["body"], "msg": error, "type": "unusable"} for error in result.errors])
    return WebhookAnswer(outcome=result.outcome, message_id=message_id)
