"""The doors of the HRIS: sources, what became of messages, and the signed door for webhooks."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from services.staff.hris import handlers, store
from services.staff.hris.vendors.generic import is_signed
from shared.database import UnitOfWork
from shared.errors import HoldfastError, NotFound, Unprocessable
from shared.http.door import Door, allow
from shared.http.fields import EmptyBody
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging
from shared.service import Runtime

router = APIRouter(tags=["hris"])

MessageOutcome = Literal["applied", "pending", "held", "old", "ignored", "refused"]


class HrisSource(BaseModel):
    """`secret` is shown once: when the source or the secret is made. `previous_until`: how long the one before signs."""

    id: str
    kind: str
    created_at: datetime
    previous_until: datetime | None = None
    secret: str | None = None


class ReceivedMessage(BaseModel):
    """What became of a webhook. `awaits`: who or what must appear first. `seen_by` has looked at it."""

    id: str
    source_id: str
    webhook_id: str
    received_at: datetime
    said_at: datetime | None
    type: str | None
    employee_id: str | None
    outcome: MessageOutcome
    reason: str | None
    awaits: str | None
    seen_by: str | None
    seen_at: datetime | None


@router.post("/hris/sources", status_code=201, response_model=HrisSource, summary="Add a source of news")
async def create_source(body: handlers.NewSource, door: Door = allow("ops")) -> Any:
    """Answers with the secret this one time."""
    source = await door.transact(_create_source, body)
    door.set_location("hris", "sources", body.id)
    return source


async def _create_source(work: UnitOfWork, body: handlers.NewSource) -> dict[str, Any]:
    return _select_fields(await handlers.create_source(work, body))


def _select_fields(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in HrisSource.model_fields}


@router.get("/hris/sources", response_model=Page[HrisSource], summary="Sources of news")
async def list_sources(paging: Paging = Depends(paging), door: Door = allow("ops", "hr")) -> Any:
    return make_page(await door.read(store.list_sources, paging), paging)


@router.get("/hris/sources/{source_id}", response_model=HrisSource, summary="One source, without its secret")
async def get_source(source_id: Id, door: Door = allow("ops")) -> Any:
    source = await door.read(store.get_source, source_id)
    if source is None:
        raise NotFound
    return source


@router.post("/hris/sources/{source_id}/secret", status_code=201, response_model=HrisSource, summary="Renew the secret")
async def renew_secret(source_id: Id, body: handlers.NewSecret | None = None, door: Door = allow("ops")) -> Any:
    """The one before stays valid for 24 hours."""
    return await door.transact(_renew_secret, source_id, body or handlers.NewSecret())


async def _renew_secret(work: UnitOfWork, source_id: str, body: handlers.NewSecret) -> dict[str, Any]:
    return _select_fields(await handlers.renew_secret(work, source_id, body))


@router.get("/hris/messages", response_model=Page[ReceivedMessage], summary="Webhooks and what became of them")
async def list_messages(
    outcome: Annotated[MessageOutcome | None, Query()] = None,
    source_id: Annotated[Id | None, Query()] = None,
    employee_id: Annotated[Id | None, Query()] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("hr", "ops"),
) -> Any:
    """Without their content. Departures that are `old`, `refused` or `pending` and seen by nobody raise the alarm."""
    return make_page(await door.read(store.list_messages, paging, outcome, source_id, employee_id), paging)


@router.post("/hris/messages/{message_id}/seen", status_code=204, summary="Somebody has looked at it")
async def mark_message_seen(message_id: Id, body: EmptyBody | None = None, door: Door = allow("hr", "ops")) -> None:
    """Ends the alarm of this message."""
    await door.transact(handlers.mark_message_seen, message_id)


SOURCE_ID_PATTERN = re.compile(r"[\w.:@-]{1,64}")

WEBHOOK_ID_PATTERN = re.compile(r"[\x21-\x7e]{1,200}")


class NotSigned(HoldfastError, code="not_signed"):
    """The source is unknown, the signature is wrong, or the timestamp is more than five minutes off."""

    status = 401


class UnusableMessage(Unprocessable, code="unusable_message"):
    """The message was kept as refused: its content cannot be right. `errors` says what was expected."""


class WebhookAnswer(BaseModel):
    """`outcome`: applied, pending (who it is about is not known yet), held, old, ignored, repeated."""

    outcome: str
    message_id: str | None = None


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


@router.post(
    "/hris/webhooks/{source_id}",
    status_code=202,
    response_model=WebhookAnswer,
    summary="News from the HRIS (Standard Webhooks)",
    openapi_extra=WEBHOOK_DOCUMENTATION,
)
async def receive_webhook(source_id: str, request: Request) -> WebhookAnswer:
    """Signed with the source's secret over the raw body; the same `webhook-id` again does nothing."""
    runtime: Runtime = request.app.state.runtime
    raw = await request.body()
    webhook_id = request.headers.get("webhook-id", "")
    if not SOURCE_ID_PATTERN.fullmatch(source_id) or not WEBHOOK_ID_PATTERN.fullmatch(webhook_id):
        raise NotSigned

    async def take(work: UnitOfWork) -> handlers.MessageResult:
        work.traceparent = request.scope.get("traceparent")
        if not is_signed(await store.list_secrets(work, source_id), request.headers, raw):
            raise NotSigned
        return await handlers.receive_message(work, source_id, webhook_id, raw)

    received = await runtime.transact_as(f"hris/{source_id}", take)
    if received.outcome == "refused":
        raise UnusableMessage(errors=[{"loc": ["body"], "msg": error, "type": "unusable"} for error in received.errors])
    return WebhookAnswer(outcome=received.outcome, message_id=received.message_id)
