"""What is streamed: the export for people, and what cases and plans read."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from services.clients.feeds import handlers, store
from shared.http.door import Door, allow
from shared.ids import Id

router = APIRouter(tags=["streams"])
NDJSON = "application/x-ndjson"

ROWS_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {NDJSON: {"schema": {"type": "string"}}}, "description": "One JSON object per line"}
}


def _dump_lines(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows)


# -- for the other services --------------------------------------------------------------------------------------------


@router.get(
    "/portfolio",
    response_class=StreamingResponse,
    responses=ROWS_RESPONSES,
    summary="The clients of an owner of record",
)
async def read_portfolio(employee_id: Id, door: Door = allow("service")) -> StreamingResponse:
    seen = await door.transact(handlers.begin_feed, "portfolio.read", employee_id)

    async def pages() -> AsyncIterator[str]:
        after = ""
        while rows := await door.read(store.list_portfolio, employee_id, after):
            after = rows[-1]["client_id"]
            figures_of = (seen.get(row["client_id"], (0, 0)) for row in rows)
            yield _dump_lines(
                [
                    {**row, "reads": reads, "exports": exports}
                    for row, (reads, exports) in zip(rows, figures_of, strict=True)
                ]
            )
            if len(rows) < store.PORTFOLIO_PAGE_SIZE:
                return

    return StreamingResponse(pages(), media_type=NDJSON)


@router.get(
    "/team-places", response_class=StreamingResponse, responses=ROWS_RESPONSES, summary="In whose teams an employee is"
)
async def read_team_places(employee_id: Id, door: Door = allow("service")) -> StreamingResponse:
    await door.transact(handlers.begin_feed, "team_places.read", employee_id)

    async def pages() -> AsyncIterator[str]:
        after = ("", "")
        while rows := await door.read(store.list_places_of_employee, employee_id, after):
            after = (rows[-1]["client_id"], rows[-1]["function"])
            yield _dump_lines(rows)

    return StreamingResponse(pages(), media_type=NDJSON)


@router.get(
    "/loads", response_class=StreamingResponse, responses=ROWS_RESPONSES, summary="What weighs on each acting owner"
)
async def read_loads(door: Door = allow("service")) -> StreamingResponse:
    await door.transact(handlers.begin_feed, "loads.read")

    async def pages() -> AsyncIterator[str]:
        yield _dump_lines(await door.read(store.list_loads))

    return StreamingResponse(pages(), media_type=NDJSON)
