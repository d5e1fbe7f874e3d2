"""Many orders at once: NDJSON in, NDJSON out, a result for each line."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, ValidationError

from services.orders.imports import handlers
from services.orders.orders.api import NewOrderBody
from shared.errors import HoldfastError
from shared.http.bulk import describe_invalid_item
from shared.http.door import Door, allow
from shared.http.fields import Body
from shared.http.ndjson import NDJSON_REQUEST, describe_ndjson_answer, make_ndjson_response, require_ndjson
from shared.ids import Id

router = APIRouter(tags=["orders"])
ORDERS_PER_TRANSACTION = 1_000  # at a stretch they hold the event loop for less than 50 ms


class MalformedJson(HoldfastError, code="malformed_json"):
    """A line is not a JSON object `{"line": 1, "data": {…}}`. Nothing was imported."""


class OrderToImport(NewOrderBody):
    id: Id


class OrderImportLine(Body):
    line: int = Field(ge=0, le=2**53)
    data: OrderToImport


class UncheckedImportLine(Body):
    line: int = Field(ge=0, le=2**53)
    data: dict[str, Any]


@router.post(
    "/imports",
    response_class=Response,
    summary="Import orders",
    responses=describe_ndjson_answer("One result per line"),
    openapi_extra=NDJSON_REQUEST,
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
    require_ndjson(request)
    body = await request.body()
    requests, results = await asyncio.to_thread(_parse_lines, body)  # so that nobody else waits for 32 MB of JSON
    run = door.read if dry_run else door.transact
    for first in range(0, len(requests), ORDERS_PER_TRANSACTION):
        results += await run(handlers.create_or_amend_orders, requests[first : first + ORDERS_PER_TRANSACTION])
    results.sort(key=lambda result: result.line)
    return make_ndjson_response(results, door.response.headers)


def _parse_lines(body: bytes) -> tuple[list[handlers.NumberedRequest], list[handlers.ImportResult]]:
    """The lines that are orders, and a refusal for each that is not. Raises `MalformedJson` where lines cannot be told apart."""
    requests: list[handlers.NumberedRequest] = []
    refused: list[handlers.ImportResult] = []
    for text in body.split(b"\n"):
        if not text.strip():
            continue
        try:
            order = OrderImportLine.model_validate_json(text)
            requests.append(handlers.NumberedRequest(order.line, order.data.make_request()))
        except ValidationError as error:
            refused.append(_refuse_line(text, error))
    return requests, refused


def _refuse_line(text: bytes, error: ValidationError) -> handlers.ImportResult:
    """Names the fields of the order that are wrong. Raises `MalformedJson` where the text is no line at all."""
    try:
        line = UncheckedImportLine.model_validate_json(text).line
    except ValidationError:
        raise MalformedJson from None
    return handlers.ImportResult(line, None, "refused", describe_invalid_item(OrderToImport, error))
