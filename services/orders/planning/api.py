"""What the planning of a handover reads, for services only: open stages and loads, as NDJSON."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from services.orders.planning import handlers, store
from shared.http.door import Door, allow
from shared.http.ndjson import describe_ndjson_answer, stream_ndjson
from shared.ids import Id

router = APIRouter(tags=["planning"])
STREAM_ANSWER = describe_ndjson_answer("One JSON object per line")


@router.get(
    "/open-stages", response_class=StreamingResponse, responses=STREAM_ANSWER, summary="The open stages of an employee"
)
async def stream_open_stages(employee_id: Annotated[Id, Query()], door: Door = allow("service")) -> StreamingResponse:
    """`{order_id, client_id, stage, function, effort, status, due_on, taken: {other stage: assignee}, apart: [stages]}`"""
    return stream_ndjson(await door.transact(handlers.read_open_stages, employee_id))


@router.get(
    "/loads", response_class=StreamingResponse, responses=STREAM_ANSWER, summary="Load per employee and function"
)
async def stream_loads(door: Door = allow("service")) -> StreamingResponse:
    """`{employee_id, function, load}` from open stages, in effort points"""
    return stream_ndjson(await door.read(store.list_loads))
