"""The door for the HRIS: signed webhooks. Whoever cannot sign learns nothing, not even whether the source exists."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from standardwebhooks import Webhook

from services.staff.handlers import news
from services.staff.handlers.sources import make_secret
from services.staff.store import hris
from shared.database import UnitOfWork
from shared.errors import HoldfastError, Unprocessable
from shared.service import Runtime

SOURCE = re.compile(r"[\w.:@-]{1,64}")
WEBHOOK_ID = re.compile(r"[\x21-\x7e]{1,200}")
NOBODY = make_secret()  # checked for unknown sources, so that they take as long as known ones


class NotSigned(HoldfastError, code="not_signed"):
    """The source is unknown, the signature is wrong, or the timestamp is more than five minutes off."""

    status = 401


class UnusableMessage(Unprocessable, code="unusable_message"):
    """The message was kept as refused: its content cannot be right. `errors` says what was expected."""


class Accepted(BaseModel):
    """`outcome`: applied, pending (who it is about is not known yet), held, old, ignored, repeated."""

    outcome: str
    message_id: str | None = None


router = APIRouter(tags=["hris"])
DOCUMENTED: dict[str, Any] = {
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
    response_model=Accepted,
    summary="News from the HRIS (Standard Webhooks)",
    openapi_extra=DOCUMENTED,
)
async def receive(source_id: str, request: Request) -> Accepted:
    """Signed with the source's secret over the raw body; the same `webhook-id` again does nothing."""
    runtime: Runtime = request.app.state.runtime
    raw = await request.body()
    webhook_id = request.headers.get("webhook-id", "")
    if not SOURCE.fullmatch(source_id) or not WEBHOOK_ID.fullmatch(webhook_id):
        raise NotSigned

    async def take(work: UnitOfWork) -> news.Received:
        work.traceparent = request.scope.get("traceparent")
        if not is_signed(await hris.secrets(work, source_id), request.headers, raw):
            raise NotSigned
        return await news.receive(work, source_id, webhook_id, raw)

    received = await runtime.transact_as(f"hris/{source_id}", take)
    if received.outcome == "refused":
        raise UnusableMessage(errors=[{"loc": ["body"], "msg": error, "type": "unusable"} for error in received.errors])
    return Accepted(outcome=received.outcome, message_id=received.message_id)


def is_signed(secrets: Sequence[str], headers: Mapping[str, str], raw: bytes) -> bool:
    """Whether one of the secrets signs this body, and now."""
    signed = [_verifies(secret, headers, raw) for secret in secrets or [NOBODY]]
    return bool(secrets) and any(signed)


def _verifies(secret: str, headers: Mapping[str, str], raw: bytes) -> bool:
    try:
        Webhook(secret).verify(raw, dict(headers), json_parse=False)
    except Exception:  # the library lets errors of decoding through as they come
        return False
    return True
