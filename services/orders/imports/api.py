"""Many orders at once: NDJSON in, NDJSON out, a result for each line."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from services.orders.imports import handlers
from services.orders.orders.api import NewOrderBody
from services.orders.orders.rules import OrderRequest
from shared.http.door import Door, allow
from shared.http.ndjson import (
    NDJSON_REQUEST,
    ImportLine,
    ImportResult,
    describe_ndjson_answer,
    make_ndjson_response,
    parse_import_lines,
    require_ndjson,
)
from shared.ids import Id

router = APIRouter(tags=["orders"])
ORDERS_PER_TRANSACTION = 1_000  # at a stretch they hold the event loop for less than 50 ms


class OrderToImport(NewOrderBody):
    id: Id


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


def _parse_lines(body: bytes) -> tuple[list[ImportLine[OrderRequest]], list[ImportResult]]:
    lines, refused = parse_import_lines(body, OrderToImport, are_numbered=True)
    return [ImportLine(line, order.make_request()) for line, order in lines], refused
