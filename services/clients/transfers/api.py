"""Transfers by hand."""

import asyncio
import json
import re
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from services.clients.names.store import list_client_ids_by_ref
from services.clients.register.bulk import parse_bulk_body
from services.clients.transfers import handlers
from shared.http.door import Door, allow
from shared.http.fields import Body, Line
from shared.ids import CLIENT_REF_PATTERN, ClientRef, Id

router = APIRouter(tags=["transfers"])


class TransferItem(Body):
    """`from_id` is the acting owner, or the owner of record."""

    client_id: ClientRef
    from_id: Id
    to_id: Id


class Transfer(Body):
    items: Annotated[list[Any], Field(max_length=100_000)]
    reason: Line


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
INVALID_OUTCOME = "invalid"  # a move of the wrong shape
SLICE_SIZE = 1_000  # items that are read or written at a stretch: nobody waits for 100,000 of them


def _request_schema() -> dict[str, Any]:
    schema = Transfer.model_json_schema()
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
    everybody = door.principal.has("director", "service")
    run = door.read if dry_run else door.transact
    known = await door.read(list_client_ids_by_ref, {one[0] for one in given if isinstance(one, tuple)})
    moves = [(known.get(one[0], one[0]), one[1], one[2]) for one in given if isinstance(one, tuple)]
    moved = iter(
        await handlers.transfer_in_chunks(
            moves, lambda chunk: run(handlers.transfer_clients_by_hand, chunk, reason, everybody)
        )
    )
    items = [next(moved) if isinstance(one, tuple) else {"client_id": one, "outcome": INVALID_OUTCOME} for one in given]
    answer = await asyncio.to_thread(_dump_outcomes, items, dry_run)
    return Response(answer, media_type="application/json", headers=door.response.headers)


def _parse_transfer(body: bytes) -> tuple[str, list[tuple[str, str, str] | str | None]]:
    """The reason, and the moves; of one that cannot be right only of which client it is, if that can be.

    Raises `RequestValidationError`.
    """
    given = parse_bulk_body(body, Transfer)
    moves: list[tuple[str, str, str] | str | None] = []
    for start in range(0, len(given.items), SLICE_SIZE):
        part = given.items[start : start + SLICE_SIZE]
        try:
            moves += [
                (move.client_id, move.from_id, move.to_id) for move in TRANSFER_ITEMS_ADAPTER.validate_python(part)
            ]
        except ValidationError:
            moves += [_parse_item(item) for item in part]
    return given.reason, moves


def _parse_item(item: Any) -> tuple[str, str, str] | str | None:
    try:
        move = TransferItem.model_validate(item)
    except ValidationError:
        client_id = item.get("client_id") if isinstance(item, dict) else None
        return client_id if isinstance(client_id, str) and re.fullmatch(CLIENT_REF_PATTERN, client_id) else None
    return move.client_id, move.from_id, move.to_id


def _dump_outcomes(items: list[dict[str, Any]], dry_run: bool) -> bytes:
    parts = [json.dumps(items[start : start + SLICE_SIZE])[1:-1] for start in range(0, len(items), SLICE_SIZE)]
    done = sum(item["outcome"] == "done" for item in items)
    about = json.dumps({"done": done, "refused": len(items) - done, "dry_run": dry_run})
    return f'{{"items":[{",".join(parts)}],{about[1:]}'.encode()
