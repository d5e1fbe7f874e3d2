"""Transfers by hand."""

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from services.clients.handlers import transfers
from shared.http.door import Door, allow
from shared.http.fields import Body, Id, Line

router = APIRouter(tags=["transfers"])


class Move(Body):
    """`from_id` is the acting owner, or the owner of record."""

    client_id: Id
    from_id: Id
    to_id: Id


class Transfer(Body):
    items: Annotated[list[Any], Field(max_length=100_000)]
    reason: Line


class Outcome(BaseModel):
    client_id: str
    outcome: str = Field(
        description="`done`, or why not: `not_owner`, `unknown_client`, `unknown_employee`, `not_employed`, `frozen`"
    )


class Outcomes(BaseModel):
    items: list[Outcome]
    done: int
    refused: int
    dry_run: bool


MOVES: TypeAdapter[list[Move]] = TypeAdapter(list[Move])
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
async def transfer(request: Request, dry_run: bool = False, door: Door = allow("sales_head", "director")) -> Response:
    reason, moves = await asyncio.to_thread(_read_transfer, await request.body())
    everybody = door.principal.has("director")
    run = door.read if dry_run else door.transact
    items = await transfers.chunk_by_chunk(
        moves, lambda chunk: run(transfers.transfer_by_hand, chunk, reason, everybody)
    )
    answer = await asyncio.to_thread(_written, items, dry_run)
    return Response(answer, media_type="application/json", headers=door.response.headers)


def _read_transfer(body: bytes) -> tuple[str, list[tuple[str, str, str]]]:
    """The reason and the moves. Raises `RequestValidationError`."""
    try:
        given = Transfer.model_validate(from_json(body))
    except ValidationError as error:
        raise RequestValidationError(_faults(error)) from None
    except ValueError:
        raise RequestValidationError([{"type": "json_invalid", "loc": ("body",), "msg": "JSON decode error"}]) from None
    moves: list[tuple[str, str, str]] = []
    for start in range(0, len(given.items), SLICE):
        try:
            part = MOVES.validate_python(given.items[start : start + SLICE])
        except ValidationError as error:
            raise RequestValidationError(_faults(error, start)) from None
        moves += [(move.client_id, move.from_id, move.to_id) for move in part]
    return given.reason, moves


def _faults(error: ValidationError, start: int | None = None) -> list[dict[str, Any]]:
    """Each with its place in the body; `start` is the number of the first of these items."""

    def place(loc: tuple[Any, ...]) -> tuple[Any, ...]:
        return ("body", *loc) if start is None else ("body", "items", start + loc[0], *loc[1:])

    return [{**fault, "loc": place(fault["loc"])} for fault in error.errors(include_input=False)]


def _written(items: list[dict[str, str]], dry_run: bool) -> bytes:
    parts = [json.dumps(items[start : start + SLICE])[1:-1] for start in range(0, len(items), SLICE)]
    done = sum(item["outcome"] == "done" for item in items)
    about = json.dumps({"done": done, "refused": len(items) - done, "dry_run": dry_run})
    return f'{{"items":[{",".join(parts)}],{about[1:]}'.encode()
