"""Import: what can be taken in bulk, a line each."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, Literal, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from services.clients.holdings.store.teams import TeamPlace
from services.clients.imports import handlers, store
from services.clients.journal.api import require_journal_space_at_door
from services.clients.register import rules
from services.clients.register.api import NewClientBody, NewContactBody, to_registration
from services.clients.relationships.api import NewFeedbackBody, NewInteractionBody
from services.clients.relationships.rules import Feedback, Interaction
from services.clients.teams.api import TeamPlaceBody
from services.clients.transfers.handlers import split_into_distinct_chunks
from services.clients.usage.api import UsageItem
from services.clients.usage.store import UsageRecord
from shared.http.bulk import describe_invalid_item
from shared.http.door import Door, allow
from shared.http.fields import Body, Moment
from shared.http.ndjson import NDJSON, NDJSON_REQUEST, describe_ndjson_answer
from shared.ids import ClientRef, Id
from shared.records import get_fields

router = APIRouter(tags=["imports"], dependencies=[Depends(require_journal_space_at_door)])
B = TypeVar("B", bound=Body)
T = TypeVar("T")


class ClientImportBody(NewClientBody):
    id: Id


class InteractionImportBody(NewInteractionBody):
    client_id: ClientRef


class FeedbackImportBody(NewFeedbackBody):
    client_id: ClientRef
    at: Moment


class TeamPlaceImportBody(TeamPlaceBody):
    client_id: ClientRef
    function: Id


class ContactImportBody(NewContactBody):
    client_id: ClientRef


class NumberedLine(Body, Generic[B]):
    line: int
    data: B


@dataclass(frozen=True)
class ImportKind:
    """How lines of a kind become rows, and what imports up to 1,000 of them. No two rows of a chunk have the same key."""

    body_class: type[Body]
    numbered_body_class: type[NumberedLine[Any]]
    make_row: Callable[[Any], Any]
    get_key: Callable[[Any], str]
    import_lines: Callable[..., Awaitable[list[handlers.LineResult]]]


ToldOfClient = InteractionImportBody | FeedbackImportBody | TeamPlaceImportBody | ContactImportBody


def _build_row_maker(content: Callable[..., T], key: str = "id") -> Callable[[ToldOfClient], store.ImportedRow[T]]:
    """What makes a row of a body, whose fields are those of the content; one of them is the key."""

    def make_row(body: ToldOfClient) -> store.ImportedRow[T]:
        said = body.model_dump(exclude={"id", "client_id"})
        given = vars(body)
        return store.build_imported_row(body.client_id, given[key], said, lambda own: content(**{**given, key: own}))

    return make_row


def _make_contact(client_id: str, id: str, name: str, email: str | None, phone: str | None) -> rules.Contact:
    return rules.Contact(id, name, email, phone)


def _get_key_within_client(row: store.ImportedRow[Any]) -> str:
    return f"{row.client_id} {row.key}"


ImportKindName = Literal["clients", "usage", "interactions", "feedback", "team", "contacts"]

IMPORT_KINDS: Mapping[ImportKindName, ImportKind] = {
    "clients": ImportKind(
        ClientImportBody,
        NumberedLine[ClientImportBody],
        lambda client: to_registration(client, client.id),
        attrgetter("client_id"),
        handlers.import_clients,
    ),
    "usage": ImportKind(
        UsageItem,
        NumberedLine[UsageItem],
        lambda item: UsageRecord(**vars(item)),
        attrgetter("item"),
        handlers.import_usage,
    ),
    "interactions": ImportKind(
        InteractionImportBody,
        NumberedLine[InteractionImportBody],
        _build_row_maker(Interaction),
        attrgetter("key"),
        handlers.import_interactions,
    ),
    "feedback": ImportKind(
        FeedbackImportBody,
        NumberedLine[FeedbackImportBody],
        _build_row_maker(Feedback),
        attrgetter("key"),
        handlers.import_feedback,
    ),
    "team": ImportKind(
        TeamPlaceImportBody,
        NumberedLine[TeamPlaceImportBody],
        _build_row_maker(TeamPlace, "function"),
        _get_key_within_client,
        handlers.import_team,
    ),
    "contacts": ImportKind(
        ContactImportBody,
        NumberedLine[ContactImportBody],
        _build_row_maker(_make_contact),
        _get_key_within_client,
        handlers.import_contacts,
    ),
}


@router.post(
    "/imports",
    response_class=Response,
    responses=describe_ndjson_answer("A result per line"),
    openapi_extra=NDJSON_REQUEST,
    summary="Import: NDJSON, one of the kind per line or `{line, data}`; a result per line",
)
async def import_rows(
    kind: ImportKindName, request: Request, dry_run: bool = False, door: Door = allow("service", "director", "ops")
) -> Response:
    of, run = IMPORT_KINDS[kind], door.read if dry_run else door.transact
    results: list[handlers.LineResult] = []
    rows = []
    lines = await asyncio.to_thread(list, _parse_lines(of, await request.body()))  # nobody else waits for 32 MB of JSON
    for line, row, fault in lines:
        if fault is not None:
            results.append(handlers.LineResult(line, "refused", fault))
        else:
            rows.append((line, row))
    for chunk in split_into_distinct_chunks(rows, lambda numbered: of.get_key(numbered[1])):
        results += await run(of.import_lines, chunk)
    results.sort(key=lambda result: result.line)
    answer = "".join(json.dumps(get_fields(result), separators=(",", ":")) + "\n" for result in results)
    return Response(answer, media_type=NDJSON, headers=door.response.headers)


def _parse_lines(kind: ImportKind, body: bytes) -> Iterator[tuple[int, Any, str | None]]:
    """Each line that holds something: its number, and its row or what is wrong."""
    for line, text in enumerate(body.split(b"\n"), 1):
        if not text.strip():
            continue
        numbered = text.lstrip().startswith(b'{"line":')
        try:
            if numbered:
                found = kind.numbered_body_class.model_validate_json(text)
                line, data = found.line, found.data
            else:
                data = kind.body_class.model_validate_json(text)
            yield line, kind.make_row(data), None
        except ValidationError as error:
            yield (
                _find_line_number(text, line) if numbered else line,
                None,
                describe_invalid_item(kind.body_class, error),
            )


def _find_line_number(text: bytes, line: int) -> int:
    """The number that a wrong line gives itself, if it can be read."""
    try:
        number = json.loads(text)["line"]
    except (ValueError, RecursionError):
        return line
    return number if type(number) is int else line
