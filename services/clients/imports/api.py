"""Import: what can be taken in bulk, a line each."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Request, Response

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
from shared.http.door import Door, allow
from shared.http.fields import Body, Moment
from shared.http.ndjson import (
    NDJSON,
    NDJSON_REQUEST,
    ImportLine,
    ImportResult,
    describe_ndjson_answer,
    parse_import_lines,
)
from shared.ids import ClientRef, Id

router = APIRouter(tags=["imports"], dependencies=[Depends(require_journal_space_at_door)])
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


@dataclass(frozen=True)
class ImportKind:
    """How lines of a kind become rows, and what imports up to 1,000 of them. No two rows of a chunk have the same key."""

    body_class: type[Body]
    make_row: Callable[[Any], Any]
    get_key: Callable[[Any], str]
    import_lines: Callable[..., Awaitable[list[ImportResult]]]


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
        lambda client: to_registration(client, client.id),
        attrgetter("client_id"),
        handlers.import_clients,
    ),
    "usage": ImportKind(
        UsageItem,
        lambda item: UsageRecord(**vars(item)),
        attrgetter("item"),
        handlers.import_usage,
    ),
    "interactions": ImportKind(
        InteractionImportBody,
        _build_row_maker(Interaction),
        attrgetter("key"),
        handlers.import_interactions,
    ),
    "feedback": ImportKind(
        FeedbackImportBody,
        _build_row_maker(Feedback),
        attrgetter("key"),
        handlers.import_feedback,
    ),
    "team": ImportKind(
        TeamPlaceImportBody,
        _build_row_maker(TeamPlace, "function"),
        _get_key_within_client,
        handlers.import_team,
    ),
    "contacts": ImportKind(
        ContactImportBody,
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
    importing, run = IMPORT_KINDS[kind], door.read if dry_run else door.transact
    rows, results = await asyncio.to_thread(_read_rows, importing, await request.body())  # nobody else waits for 32 MB
    for chunk in split_into_distinct_chunks(rows, lambda row: importing.get_key(row.value)):
        results += await run(importing.import_lines, chunk)
    results.sort(key=lambda result: result.line)
    answers = ({"line": of.line, "outcome": of.outcome, "reason": of.reason} for of in results)
    answer = "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in answers)
    return Response(answer, media_type=NDJSON, headers=door.response.headers)


def _read_rows(kind: ImportKind, body: bytes) -> tuple[list[ImportLine[Any]], list[ImportResult]]:
    lines, refused = parse_import_lines(body, kind.body_class)
    return [ImportLine(line, kind.make_row(data)) for line, data in lines], refused
