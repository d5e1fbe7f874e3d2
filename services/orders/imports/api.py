"""Many orders at once: NDJSON in, NDJSON out, a result for each line."""

import asyncio
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, ValidationError

from services.orders.imports import handlers
from services.orders.orders.api import NewOrder
from services.orders.orders.rules import OrderRequest
from shared.errors import HoldfastError
from shared.http.door import Door, allow
from shared.http.fields import Body
from shared.ids import Id

router = APIRouter(tags=["orders"])

ORDERS_PER_TRANSACTION = 1_000  # at a stretch they hold the event loop for less than 50 ms

NDJSON = "application/x-ndjson"

NumberedRequest = tuple[int, OrderRequest]

_encode_json = json.JSONEncoder(ensure_ascii=False).encode


class NotNdjson(HoldfastError, code="wrong_kind"):
    """An import is NDJSON: send `Content-Type: application/x-ndjson`."""

    status = 415


class MalformedJson(HoldfastError, code="malformed_json"):
    """A line is not a JSON object `{"line": 1, "data": {…}}`. Nothing was imported."""

    status = 400


class ImportedOrder(NewOrder):
    id: Id


class OrderLine(Body):
    line: int = Field(ge=0, le=2**53)
    data: ImportedOrder


class ImportLine(Body):
    line: int = Field(ge=0, le=2**53)
    data: dict[str, Any]


@router.post(
    "/imports",
    response_class=Response,
    summary="Import orders",
    responses={200: {"description": "One result per line", "content": {NDJSON: {"schema": {"type": "string"}}}}},
    openapi_extra={"requestBody": {"content": {NDJSON: {"schema": {"type": "string"}}}, "required": True}},
)
async def import_orders(
    request: Request,
    kind: Annotated[Literal["orders"], Query()],
    dry_run: Annotated[bool, Query()] = False,
    door: Door = allow("service", "director", "ops"),
) -> Response:
    """Lines `{"line": n, "data": {…an order…}}` → lines `{"line": n, "id": …, "outcome": "created", "reason": null}`.

    Outcomes: `created`, `updated`, `unchanged`, `refused`. Each 1,000 orders are one transaction; a refused line holds
    nobody up. `unknown_client` and `unknown_employee` may pass by themselves a moment later: send those lines again.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != NDJSON:
        raise NotNdjson
    body = await request.body()
    good, results = await asyncio.to_thread(_parse_lines, body)  # so that nobody else waits for 32 MB of JSON
    for first in range(0, len(good), ORDERS_PER_TRANSACTION):
        chunk = good[first : first + ORDERS_PER_TRANSACTION]
        act = door.read if dry_run else door.transact
        results += await act(handlers.import_orders, chunk)
    results.sort(key=lambda result: result["line"])
    return Response(
        "".join(f"{_encode_json(result)}\n" for result in results), media_type=NDJSON, headers=door.response.headers
    )


def _parse_lines(body: bytes) -> tuple[list[NumberedRequest], list[dict[str, Any]]]:
    """The lines that are orders, and a refusal for each that is not. Raises `MalformedJson` where lines cannot be told apart."""
    good: list[NumberedRequest] = []
    refused: list[dict[str, Any]] = []
    for text in body.split(b"\n"):
        if not text.strip():
            continue
        try:
            order = OrderLine.model_validate_json(text)  # in one go: most lines are good, and there are many
            good.append((order.line, order.data.wanted()))
            continue
        except ValidationError:
            line = _parse_line(text)
        try:
            good.append((line.line, ImportedOrder.model_validate(line.data).wanted()))
        except ValidationError as error:
            known = set(ImportedOrder.model_fields)
            fields = sorted({str(item["loc"][0]) for item in error.errors() if item["loc"] and item["loc"][0] in known})
            reason = f"invalid: {', '.join(fields)}" if fields else "invalid: unknown fields"
            refused.append({"line": line.line, "id": None, "outcome": "refused", "reason": reason})
    return good, refused


def _parse_line(text: bytes) -> ImportLine:
    try:
        return ImportLine.model_validate_json(text)
    except ValidationError:
        raise MalformedJson from None
