"""What cases and plans of the other services read, as streams."""

from collections.abc import AsyncIterator, Sequence

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from services.clients.feeds import handlers, store
from services.clients.journal.api import require_journal_space_at_door
from shared.http.door import Door, allow
from shared.http.ndjson import NDJSON, describe_ndjson_answer, encode_json
from shared.ids import Id
from shared.records import get_fields

router = APIRouter(tags=["streams"], dependencies=[Depends(require_journal_space_at_door)])
ROWS_RESPONSES = describe_ndjson_answer("One JSON object per line")


def _dump_lines(items: Sequence[object]) -> str:
    return "".join(encode_json(item) + "\n" for item in items)


@router.get(
    "/portfolio",
    response_class=StreamingResponse,
    responses=ROWS_RESPONSES,
    summary="The clients of an owner of record",
)
async def read_portfolio(employee_id: Id, door: Door = allow("service")) -> StreamingResponse:
    counts = await door.transact(handlers.journal_portfolio_call_and_list_usage, employee_id)

    async def write_pages() -> AsyncIterator[str]:
        after = ""
        while clients := await door.read(store.list_portfolio, employee_id, after):
            after = clients[-1].client_id
            yield _dump_lines([{**get_fields(client), **counts.get(client.client_id, {})} for client in clients])
            if len(clients) < store.PORTFOLIO_PAGE_SIZE:
                return

    return StreamingResponse(write_pages(), media_type=NDJSON)


@router.get(
    "/team-places", response_class=StreamingResponse, responses=ROWS_RESPONSES, summary="In whose teams an employee is"
)
async def read_team_places(employee_id: Id, door: Door = allow("service")) -> StreamingResponse:
    await door.transact(handlers.journal_feed_call, "team_places.read", employee_id)

    async def write_pages() -> AsyncIterator[str]:
        after = ("", "")
        while places := await door.read(store.list_team_places_with_owners, employee_id, after):
            after = (places[-1].client_id, places[-1].function)
            yield _dump_lines(places)

    return StreamingResponse(write_pages(), media_type=NDJSON)


@router.get(
    "/loads", response_class=StreamingResponse, responses=ROWS_RESPONSES, summary="What weighs on each acting owner"
)
async def read_loads(door: Door = allow("service")) -> StreamingResponse:
    await door.transact(handlers.journal_feed_call, "loads.read")

    async def write_loads() -> AsyncIterator[str]:
        yield _dump_lines(await door.read(store.list_owner_loads))

    return StreamingResponse(write_loads(), media_type=NDJSON)
