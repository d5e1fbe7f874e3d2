"""Transfers by hand."""

import asyncio
import json
import re
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from services.clients.api.faults import read_bulk
from services.clients.handlers import transfers
from services.clients.store import refs
from shared.http.door import Door, allow
from shared.http.fields import Body, Line
from shared.ids import CLIENT_REF_PATTERN, ClientRef, Id

router = APIRouter(tags=["transfers"])


class Move(Body):
    """`from_id` is the acting owner, or the owner of record."""

    client_id: ClientRef
    from_id: Id
    to_id: Id


class Transfer(Body):
    items: Annotated[list[Any], Field(max_length=100_000)]
    reason: Line


class Outcome(BaseModel):
    client_id: str | None
    outcome: str = Field(
        description="`done`, or why not: `not_owner`, `unknown_client`, `unknown_employee`, `not_employed`, `frozen`, `invalid`"
    )


class Outcomes(BaseModel):
    items: list[Outcome]
    done: int
    refused: int
    dry_run: bool


MOVES: TypeAdapter[list[Move]] = TypeAdapter(list[Move])
INVALID = "invalid"  # a move of the wrong shape
SLICE = 1_000  # items that are read or written at a stretch: nobody waits for 100,000 of them


def _schema() -> dict[str, Any]:
    schema = Transfer.model_json_schema()
    schema["properties"]["items"]["items"] = Move.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.post(
    "/transfers",
    response_model=Outcomes,
    openapi_extra=_schema(),
    summary="Give clients to other owners, at most 100,000 at a time",
)
async def transfer(
    request: Request, dry_run: bool = False, door: Door = allow("sales_head", "director", "service")
) -> Response:
    reason, given = await asyncio.to_thread(_read_transfer, await request.body())
    everybody = door.principal.has("director", "service")
    run = door.read if dry_run else door.transact
    known = await door.read(refs.resolve, {one[0] for one in given if isinstance(one, tuple)})
    moves = [(known.get(one[0], one[0]), one[1], one[2]) for one in given if isinstance(one, tuple)]
    moved = iter(
        await transfers.chunk_by_chunk(moves, lambda chunk: run(transfers.transfer_by_hand, chunk, reason, everybody))
    )
    items = [next(moved) if isinstance(one, tuple) else {"client_id": one, "outcome": INVALID} for one in given]
    answer = await asyncio.to_thread(_written, items, dry_run)
    return Response(answer, media_type="application/json", headers=door.response.headers)


def _read_transfer(body: bytes) -> tuple[str, list[tuple[str, str, str] | str | None]]:
    """The reason, and the moves; of one that cannot be right only of which client it is, if that can be.

    Raises `RequestValidationError`.
    """
    given = read_bulk(body, Transfer)
    moves: list[tuple[str, str, str] | str | None] = []
    for start in range(0, len(given.items), SLICE):
        part = given.items[start : start + SLICE]
        try:
            moves += [(move.client_id, move.from_id, move.to_id) for move in MOVES.validate_python(part)]
        except ValidationError:
            moves += [_read_move(item) for item in part]
    return given.reason, moves


def _read_move(item: Any) -> tuple[str, str, str] | str | None:
    try:
        move = Move.model_validate(item)
    except ValidationError:
        client_id = item.get("client_id") if isinstance(item, dict) else None
        return client_id if isinstance(client_id, str) and re.fullmatch(CLIENT_REF_PATTERN, client_id) else None
    return move.client_id, move.from_id, move.to_id


def _written(items: list[dict[str, Any]], dry_run: bool) -> bytes:
    parts = [json.dumps(items[start : start + SLICE])[1:-1] for start in range(0, len(items), SLICE)]
    done = sum(item["outcome"] == "done" for item in items)
    about = json.dumps({"done": done, "refused": len(items) - done, "dry_run": dry_run})
    return f'{{"items":[{",".join(parts)}],{about[1:]}'.encode()
