"""The export of clients for people."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from services.clients.exports import handlers, store
from services.clients.journal.api import require_journal_space_at_door
from shared.errors import Forbidden
from shared.http.door import Door, allow
from shared.http.ndjson import NDJSON, encode_json

router = APIRouter(tags=["streams"], dependencies=[Depends(require_journal_space_at_door)])
EXPORT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {NDJSON: {"schema": {"type": "string"}}, "text/csv": {"schema": {"type": "string"}}}}
}


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses=EXPORT_RESPONSES,
    summary="All clients that the caller may export",
)
async def export_clients(
    format: store.ExportFormat = "ndjson", door: Door = allow("employee", "sales_head", "director")
) -> StreamingResponse:
    roles = door.principal.roles
    first = await door.transact(handlers.export_clients_page, roles, format, "")

    async def write_pages() -> AsyncIterator[str]:
        page = first
        yield store.EXPORT_HEADINGS[format] + page.text
        while page.has_next:
            try:
                page = await door.transact(handlers.export_clients_page, roles, format, page.last_id or "")
            except Forbidden as refusal:
                yield _format_stop_line(format, refusal.extra["reason"])
                return
            yield page.text
        if page.is_limited:
            yield _format_stop_line(format, "limit")

    return StreamingResponse(write_pages(), media_type="text/csv" if format == "csv" else NDJSON)


def _format_stop_line(format: store.ExportFormat, reason: str) -> str:
    """The last line of an export that is not the whole, and why."""
    return f"# stopped: {reason}\r\n" if format == "csv" else f"{encode_json({'stopped': reason})}\n"
