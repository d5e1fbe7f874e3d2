"""What is streamed: the export for people, and what cases and plans read."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from services.clients.api.opened import opened
from services.clients.handlers import exporting, figures
from services.clients.store import portfolio
from services.clients.store.exporting import HEADINGS, Format
from shared.http.door import Door, allow
from shared.ids import Id

router = APIRouter(tags=["streams"])

NDJSON = "application/x-ndjson"
ROWS: dict[int | str, dict[str, Any]] = {
    200: {"content": {NDJSON: {"schema": {"type": "string"}}}, "description": "One JSON object per line"}
}
EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {"content": {NDJSON: {"schema": {"type": "string"}}, "text/csv": {"schema": {"type": "string"}}}}
}


@router.get(
    "/export", response_class=StreamingResponse, responses=EXPORTED, summary="All clients that the caller may export"
)
async def export(
    format: Format = "ndjson", door: Door = allow("employee", "sales_head", "director")
) -> StreamingResponse:
    roles = door.principal.roles
    first = await door.transact(exporting.export_page, roles, format, "")
    if not first["text"]:
        opened(first)

    async def pages() -> AsyncIterator[str]:
        yield HEADINGS[format]
        page = first
        while True:
            yield page["text"]
            if page["refused"] is not None:
                yield _stopped(format, page["refused"])
                return
            if page["after"] is None:
                return
            page = await door.transact(exporting.export_page, roles, format, page["after"])

    return StreamingResponse(pages(), media_type="text/csv" if format == "csv" else NDJSON)


def _stopped(format: Format, reason: str) -> str:
    """The last line of an export that is not the whole, and why."""
    return f"# stopped: {reason}\r\n" if format == "csv" else f"{json.dumps({'stopped': reason})}\n"


def _lines(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows)


# -- for the other services --------------------------------------------------------------------------------------------


@router.get("/portfolio", response_class=StreamingResponse, responses=ROWS, summary="The clients of an owner of record")
async def read_portfolio(employee_id: Id, door: Door = allow("service")) -> StreamingResponse:
    seen = await door.transact(figures.begin, "portfolio.read", employee_id)

    async def pages() -> AsyncIterator[str]:
        after = ""
        while rows := await door.read(portfolio.portfolio, employee_id, after):
            after = rows[-1]["client_id"]
            figures_of = (seen.get(row["client_id"], (0, 0)) for row in rows)
            yield _lines(
                [
                    {**row, "reads": reads, "exports": exports}
                    for row, (reads, exports) in zip(rows, figures_of, strict=True)
                ]
            )
            if len(rows) < portfolio.PAGE:
                return

    return StreamingResponse(pages(), media_type=NDJSON)


@router.get("/team-places", response_class=StreamingResponse, responses=ROWS, summary="In whose teams an employee is")
async def read_team_places(employee_id: Id, door: Door = allow("service")) -> StreamingResponse:
    await door.transact(figures.begin, "team_places.read", employee_id)

    async def pages() -> AsyncIterator[str]:
        after = ("", "")
        while rows := await door.read(portfolio.team_places, employee_id, after):
            after = (rows[-1]["client_id"], rows[-1]["function"])
            yield _lines(rows)

    return StreamingResponse(pages(), media_type=NDJSON)


@router.get("/loads", response_class=StreamingResponse, responses=ROWS, summary="What weighs on each acting owner")
async def read_loads(door: Door = allow("service")) -> StreamingResponse:
    await door.transact(figures.begin, "loads.read")

    async def pages() -> AsyncIterator[str]:
        yield _lines(await door.read(portfolio.loads))

    return StreamingResponse(pages(), media_type=NDJSON)
