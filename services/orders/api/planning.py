"""What the planning of a handover reads: ids and figures, for services only."""

import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, model_validator

from services.orders.handlers import reports as handlers
from services.orders.store import reports
from shared.http.door import Door, allow
from shared.http.fields import Body, Day
from shared.ids import Id

router = APIRouter(tags=["planning"])

NDJSON = "application/x-ndjson"
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "One JSON object per line", "content": {NDJSON: {"schema": {"type": "string"}}}}
}


class FiguresWanted(Body):
    """Days, both inclusive."""

    client_ids: list[Id] = Field(max_length=1000)
    first: Day = Field(alias="from")
    last: Day = Field(alias="until")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError("`until` must not be before `from`")
        return self


class ClientFigures(BaseModel):
    client_id: str
    revenue: str
    orders: int
    delivered: int
    on_time: int


class Figures(BaseModel):
    items: list[ClientFigures]


@router.get(
    "/open-stages", response_class=StreamingResponse, responses=STREAM, summary="The open stages of an employee"
)
async def open_stages(employee_id: Annotated[Id, Query()], door: Door = allow("service")) -> StreamingResponse:
    """`{order_id, client_id, stage, function, effort, status, due_on, taken: {other stage: assignee}, apart: [stages]}`"""
    return _stream(await door.transact(handlers.open_stages, employee_id))


@router.get("/loads", response_class=StreamingResponse, responses=STREAM, summary="Load per employee and function")
async def loads(door: Door = allow("service")) -> StreamingResponse:
    """`{employee_id, function, load}` from open stages, in effort points"""
    return _stream(await door.read(reports.loads))


@router.post("/figures", response_model=Figures, summary="Revenue and delivery of clients in a period")
async def figures(body: FiguresWanted, door: Door = allow("service")) -> Any:
    read = partial(door.read, reports.figures, body.client_ids, body.first, body.last)
    return {"items": await door.run_once(read)}


def _stream(rows: Iterable[Mapping[str, Any]]) -> StreamingResponse:
    return StreamingResponse((json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows), media_type=NDJSON)
