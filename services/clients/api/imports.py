"""Import: what can be taken in bulk, a line each."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ValidationError

from services.clients.api.clients import Contact, NewClient, NewFeedback, NewInteraction, Place, as_registration
from services.clients.api.faults import wrong
from services.clients.api.usage import Used, as_use
from services.clients.handlers import imports, taking_in, transfers, usage
from services.clients.store import imported
from services.clients.store.clients import Registration
from services.clients.store.imported import Row
from services.clients.store.usage import Use
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


class ImportedPlace(Place):
    client_id: ClientRef
    function: Id


class ImportedContact(Contact):
    client_id: ClientRef


class Numbered(Body, Generic[T]):
    line: int
    data: T


class ImportedLine(BaseModel):
    """One line of the answer."""

    line: int
    outcome: Literal["created", "updated", "unchanged", "refused"]
    reason: str | None = None


class Kind(NamedTuple):
    """How lines of a kind become rows, and who takes up to 1,000 of them in. No two rows of a chunk have the same key."""

    body: type[Body]
    numbered: type[Numbered[Any]]
    row: Callable[[Any], Any]
    key: Callable[[Any], str]
    take_in: Callable[..., Any]


def _registration(client: ImportedClient) -> Registration:
    return as_registration(client, client.id)


def _client_id(row: Registration) -> str:
    return row.client_id


def _told(told: ImportedInteraction | ImportedFeedback | ImportedContact) -> Row:
    return imported.row(told.client_id, told.id, told.model_dump(exclude={"id", "client_id"}))


def _place(place: ImportedPlace) -> Row:
    return imported.row(place.client_id, place.function, place.model_dump(exclude={"client_id"}))


def _of_client(row: Row) -> str:
    return f"{row.client_id} {row.key}"


def _row_key(row: Row) -> str:
    return row.key


def _item(row: Use) -> str:
    return row.item


Name = Literal["clients", "usage", "interactions", "feedback", "team", "contacts"]
KINDS: Mapping[Name, Kind] = {
    "clients": Kind(ImportedClient, Numbered[ImportedClient], _registration, _client_id, imports.import_clients),
    "usage": Kind(Used, Numbered[Used], as_use, _item, usage.import_usage),
    "interactions": Kind(ImportedInteraction, Numbered[ImportedInteraction], _told, _row_key, taking_in.interactions),
    "feedback": Kind(ImportedFeedback, Numbered[ImportedFeedback], _told, _row_key, taking_in.feedback),
    "team": Kind(ImportedPlace, Numbered[ImportedPlace], _place, _of_client, taking_in.team),
    "contacts": Kind(ImportedContact, Numbered[ImportedContact], _told, _of_client, taking_in.contacts),
}
IMPORT = {
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
    openapi_extra=IMPORT,
    summary="Import: NDJSON, one of the kind per line or `{line, data}`; a result per line",
)
async def take_in(
    kind: Name, request: Request, dry_run: bool = False, door: Door = allow("service", "director", "ops")
) -> Response:
    of, run = KINDS[kind], door.read if dry_run else door.transact
    results: list[Any] = []
    good = []
    lines = await asyncio.to_thread(list, _lines(of, await request.body()))  # nobody else waits for 32 MB of JSON
    for line, row, refusal in lines:
        if refusal is not None:
            results.append({"line": line, "outcome": "refused", "reason": refusal})
        else:
            good.append((line, row))
    for chunk in transfers.chunks(good, lambda item: of.key(item[1])):
        results += await run(of.take_in, chunk)
    results.sort(key=lambda result: result["line"])
    answer = "".join(json.dumps(result, separators=(",", ":")) + "\n" for result in results)
    return Response(answer, media_type="application/x-ndjson", headers=door.response.headers)


def _lines(kind: Kind, body: bytes) -> Iterator[tuple[int, Any, str | None]]:
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
            yield _number(text, line) if numbered else line, None, wrong(kind.body, error)


def _number(text: bytes, line: int) -> int:
    """The number that a wrong line gives itself, if it can be read."""
    try:
        number = json.loads(text)["line"]
    except (ValueError, RecursionError):
        return line
    return number if type(number) is int else line
