"""Import: what can be taken in bulk, a line each."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ValidationError

from services.clients.imports import handlers, store
from services.clients.register.api import Contact, NewClient, to_registration
from services.clients.register.bulk import describe_invalid_item
from services.clients.register.store import Registration
from services.clients.relationships.api import NewFeedback, NewInteraction
from services.clients.teams.api import TeamPlace
from services.clients.transfers.handlers import split_into_chunks
from services.clients.usage.api import UsageItem, to_usage_record
from services.clients.usage.handlers import import_usage
from services.clients.usage.store import UsageRecord
from shared.http.door import Door, allow
from shared.http.fields import Body, Moment
from shared.ids import ClientRef, Id

router = APIRouter(tags=["imports"])
T = TypeVar("T", bound=Body)


class ImportedClient(NewClient):
    id: Id


class ImportedInteraction(NewInteraction):
    client_id: ClientRef


class ImportedFeedback(NewFeedback):
    client_id: ClientRef
    at: Moment


class ImportedTeamPlace(TeamPlace):
    client_id: ClientRef
    function: Id


class ImportedContact(Contact):
    client_id: ClientRef


class NumberedLine(Body, Generic[T]):
    line: int
    data: T


class LineResult(BaseModel):
    """One line of the answer."""

    line: int
    outcome: Literal["created", "updated", "unchanged", "refused"]
    reason: str | None = None


class ImportKind(NamedTuple):
    """How lines of a kind become rows, and who takes up to 1,000 of them in. No two rows of a chunk have the same key."""

    body: type[Body]
    numbered: type[NumberedLine[Any]]
    row: Callable[[Any], Any]
    key: Callable[[Any], str]
    take_in: Callable[..., Any]


def _to_registration(client: ImportedClient) -> Registration:
    return to_registration(client, client.id)


def _get_registration_key(row: Registration) -> str:
    return row.client_id


def _to_client_row(told: ImportedInteraction | ImportedFeedback | ImportedContact) -> store.ImportedRow:
    return store.build_imported_row(told.client_id, told.id, told.model_dump(exclude={"id", "client_id"}))


def _to_place_row(place: ImportedTeamPlace) -> store.ImportedRow:
    return store.build_imported_row(place.client_id, place.function, place.model_dump(exclude={"client_id"}))


def _get_key_within_client(row: store.ImportedRow) -> str:
    return f"{row.client_id} {row.key}"


def _get_row_key(row: store.ImportedRow) -> str:
    return row.key


def _get_usage_key(row: UsageRecord) -> str:
    return row.item


ImportKindName = Literal["clients", "usage", "interactions", "feedback", "team", "contacts"]

IMPORT_KINDS: Mapping[ImportKindName, ImportKind] = {
    "clients": ImportKind(
        ImportedClient, NumberedLine[ImportedClient], _to_registration, _get_registration_key, handlers.import_clients
    ),
    "usage": ImportKind(UsageItem, NumberedLine[UsageItem], to_usage_record, _get_usage_key, import_usage),
    "interactions": ImportKind(
        ImportedInteraction,
        NumberedLine[ImportedInteraction],
        _to_client_row,
        _get_row_key,
        handlers.import_interactions_lines,
    ),
    "feedback": ImportKind(
        ImportedFeedback, NumberedLine[ImportedFeedback], _to_client_row, _get_row_key, handlers.import_feedback_lines
    ),
    "team": ImportKind(
        ImportedTeamPlace,
        NumberedLine[ImportedTeamPlace],
        _to_place_row,
        _get_key_within_client,
        handlers.import_team_lines,
    ),
    "contacts": ImportKind(
        ImportedContact,
        NumberedLine[ImportedContact],
        _to_client_row,
        _get_key_within_client,
        handlers.import_contact_lines,
    ),
}

IMPORT_OPENAPI = {
    "requestBody": {
        "required": True,
        "content": {"application/x-ndjson": {"schema": {"type": "string", "description": "one of the kind per line"}}},
    }
}


@router.post(
    "/imports",
    response_class=Response,
    responses={
        200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}, "description": "A result per line"}
    },
    openapi_extra=IMPORT_OPENAPI,
    summary="Import: NDJSON, one of the kind per line or `{line, data}`; a result per line",
)
async def import_rows(
    kind: ImportKindName, request: Request, dry_run: bool = False, door: Door = allow("service", "director", "ops")
) -> Response:
    of, run = IMPORT_KINDS[kind], door.read if dry_run else door.transact
    results: list[Any] = []
    good = []
    lines = await asyncio.to_thread(list, _parse_lines(of, await request.body()))  # nobody else waits for 32 MB of JSON
    for line, row, refusal in lines:
        if refusal is not None:
            results.append({"line": line, "outcome": "refused", "reason": refusal})
        else:
            good.append((line, row))
    for chunk in split_into_chunks(good, lambda item: of.key(item[1])):
        results += await run(of.take_in, chunk)
    results.sort(key=lambda result: result["line"])
    answer = "".join(json.dumps(result, separators=(",", ":")) + "\n" for result in results)
    return Response(answer, media_type="application/x-ndjson", headers=door.response.headers)


def _parse_lines(kind: ImportKind, body: bytes) -> Iterator[tuple[int, Any, str | None]]:
    """Each line that holds something: its number, and its row or what is wrong."""
    for line, text in enumerate(body.split(b"\n"), 1):
        if not text.strip():
            continue
        numbered = text.lstrip().startswith(b'{"line":')
        try:
            if numbered:
                found = kind.numbered.model_validate_json(text)
                line, data = found.line, found.data
            else:
                data = kind.body.model_validate_json(text)
            yield line, kind.row(data), None
        except ValidationError as error:
            yield _find_line_number(text, line) if numbered else line, None, describe_invalid_item(kind.body, error)


def _find_line_number(text: bytes, line: int) -> int:
    """The number that a wrong line gives itself, if it can be read."""
    try:
        number = json.loads(text)["line"]
    except (ValueError, RecursionError):
        return line
    return number if type(number) is int else line
