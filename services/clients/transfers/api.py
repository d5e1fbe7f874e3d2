"""Transfers by hand."""

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from services.clients.names.store import list_client_ids_by_other_name
from services.clients.transfers import handlers
from shared.http.bulk import parse_bulk_body
from shared.http.door import Door, allow
from shared.http.fields import Body, ShortText
from shared.ids import CLIENT_REF_PATTERN, ClientRef, Id

router = APIRouter(tags=["transfers"])


class TransferItem(Body):
    """`from_id` is the acting owner, or the owner of record."""

    client_id: ClientRef
    from_id: Id
    to_id: Id


class TransferBody(Body):
    items: Annotated[list[Any], Field(max_length=100_000)]
    reason: ShortText


@dataclass(frozen=True, slots=True)
class InvalidItem:
    """An item of the wrong shape, and of which client it is, if that can be told."""

    client_id: str | None
    outcome: str = "invalid"


class TransferItemOutcome(BaseModel):
    client_id: str | None
    outcome: str = Field(
        description="`done`, or why not: `not_owner`, `unknown_client`, `unknown_employee`, `not_employed`, `frozen`, `invalid`"
    )


class TransferOutcomes(BaseModel):
    items: list[TransferItemOutcome]
    done: int
    refused: int
    dry_run: bool


TRANSFER_ITEMS_ADAPTER: TypeAdapter[list[TransferItem]] = TypeAdapter(list[TransferItem])
SLICE_SIZE = 1_000  # items that are read or written at a stretch: nobody waits for 100,000 of them


def _request_schema() -> dict[str, Any]:
    schema = TransferBody.model_json_schema()
    schema["properties"]["items"]["items"] = TransferItem.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.post(
    "/transfers",
    response_model=TransferOutcomes,
    openapi_extra=_request_schema(),
    summary="Give clients to other owners, at most 100,000 at a time",
)
async def transfer_clients_by_hand(
    request: Request, dry_run: bool = False, door: Door = allow("sales_head", "director", "service")
) -> Response:
    reason, given = await asyncio.to_thread(_parse_transfer, await request.body())
    may_transfer_any_client = door.principal.has("director", "service")
    run = door.read if dry_run else door.transact
    ids = await door.read(
        list_client_ids_by_other_name, {item.client_id for item in given if isinstance(item, TransferItem)}
    )
    transfers = [
        (ids.get(item.client_id, item.client_id), item.from_id, item.to_id)
        for item in given
        if isinstance(item, TransferItem)
    ]
    outcomes = iter(
        await handlers.transfer_in_chunks(
            transfers, lambda chunk: run(handlers.transfer_clients_by_hand, chunk, reason, may_transfer_any_client)
        )
    )
    items = [
        {"client_id": outcome.client_id, "outcome": outcome.outcome}
        for outcome in (next(outcomes) if isinstance(item, TransferItem) else item for item in given)
    ]
    answer = await asyncio.to_thread(_dump_outcomes, items, dry_run)
    return Response(answer, media_type="application/json", headers=door.response.headers)


def _parse_transfer(body: bytes) -> tuple[str, list[TransferItem | InvalidItem]]:
    """The reason, and the items. Raises `RequestValidationError`."""
    transfer = parse_bulk_body(body, TransferBody)
    items: list[TransferItem | InvalidItem] = []
    for start in range(0, len(transfer.items), SLICE_SIZE):
        part = transfer.items[start : start + SLICE_SIZE]
        try:
            items += TRANSFER_ITEMS_ADAPTER.validate_python(part)
        except ValidationError:
            items += [_parse_item(item) for item in part]
    return transfer.reason, items


def _parse_item(item: Any) -> TransferItem | InvalidItem:
    try:
        return TransferItem.model_validate(item)
    except ValidationError:
        client_id = item.get("client_id") if isinstance(item, dict) else None
        is_ref = isinstance(client_id, str) and re.fullmatch(CLIENT_REF_PATTERN, client_id)
        return InvalidItem(client_id if is_ref else None)


def _dump_outcomes(items: list[dict[str, Any]], dry_run: bool) -> bytes:
    parts = [json.dumps(items[start : start + SLICE_SIZE])[1:-1] for start in range(0, len(items), SLICE_SIZE)]
    done = sum(item["outcome"] == "done" for item in items)
    about = json.dumps({"done": done, "refused": len(items) - done, "dry_run": dry_run})
    return f'{{"items":[{",".join(parts)}],{about[1:]}'.encode()
