"""What the planning of a handover reads, for services only: open stages and loads, as NDJSON."""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from services.orders.planning import handlers, store
from shared.http.door import Door, allow
from shared.ids import Id

router = APIRouter(tags=["planning"])

NDJSON = "application/x-ndjson"

STREAM_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "One JSON object per line", "content": {NDJSON: {"schema": {"type": "string"}}}}
}


@router.get(
    "/open-stages",
    response_class=StreamingResponse,
    responses=STREAM_RESPONSES,
    summary="The open stages of an employee",
)
async def stream_open_stages(employee_id: Annotated[Id, Query()], door: Door = allow("service")) -> StreamingResponse:
    """`{order_id, client_id, stage, function, effort, status, due_on, taken: {other stage: assignee}, apart: [stages]}`"""
    return _stream_ndjson(await door.transact(handlers.read_open_stages, employee_id))


@router.get(
    "/loads", response_class=StreamingResponse, responses=STREAM_RESPONSES, summary="Load per employee and function"
)
async def stream_loads(door: Door = allow("service")) -> StreamingResponse:
    """`{employee_id, function, load}` from open stages, in effort points"""
    return _stream_ndjson(await door.read(store.list_loads))


def _stream_ndjson(rows: Iterable[Mapping[str, Any]]) -> StreamingResponse:
    return StreamingResponse((json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows), media_type=NDJSON)
