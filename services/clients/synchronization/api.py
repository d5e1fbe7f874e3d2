"""Clients as another system has them, one by one or a thousand at a time."""

import asyncio
from collections import Counter
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from services.clients.access.api import CREATED_RESPONSES
from services.clients.journal.api import require_journal_space_at_door
from services.clients.names.store import MERGED_SYSTEM
from services.clients.register.api import CLIENT_ROLES, Contacts, ExternalIdChanges, ShortTexts, Team, to_contacts
from services.clients.register.rules import PROFILE_FIELDS, Client, Profile, Status
from services.clients.synchronization import handlers
from shared.errors import HoldfastError, Stale
from shared.http.bulk import describe_invalid_item, parse_bulk_body
from shared.http.door import Door, allow
from shared.http.fields import Body, Effort, Money, ShortText
from shared.ids import ClientRef, Id

router = APIRouter(tags=["clients"], dependencies=[Depends(require_journal_space_at_door)])


class ClientExists(HoldfastError, code="already_there"):
    """This client exists; with `If-None-Match: *` it would only have been created."""

    status = 412


def _refuse_merged_ref(ref: str) -> str:
    if ref.startswith(f"{MERGED_SYSTEM}~"):
        raise ValueError("a client that was merged is put under the id of the one that it was merged into")
    return ref


PutRef = Annotated[ClientRef, AfterValidator(_refuse_merged_ref)]


class PutClientBody(Body):
    """What is left out of the profile returns to its default; owner, team and the ids of systems not named stay."""

    name: ShortText
    owner_id: Id | None = None
    value: Money | None = None
    expected_value: Money | None = None
    status: Status = "active"
    effort: Effort = 1
    regions: ShortTexts = Field(default_factory=list)
    languages: ShortTexts = Field(default_factory=list)
    contacts: Contacts = Field(default_factory=list)
    team: Team | None = None
    external_ids: ExternalIdChanges = Field(default_factory=dict)


class ClientBatchItem(PutClientBody):
    id: PutRef


class ClientBatchBody(Body):
    items: Annotated[list[Any], Field(max_length=1_000)]


class PutOutcome(BaseModel):
    client_id: str | None = Field(description="the id here; null where there is no such client")
    outcome: Literal["created", "updated", "unchanged", "refused"]
    reason: str | None = None


class PutOutcomes(BaseModel):
    """A result for each item, in the order given."""

    items: list[PutOutcome]
    created: int
    updated: int
    unchanged: int
    refused: int


def _make_wanted_client(ref: str, body: PutClientBody) -> handlers.WantedClient:
    given = {name: getattr(body, name) for name in PROFILE_FIELDS}
    profile = Profile(**{**given, "contacts": to_contacts(body.contacts), "external_ids": {}, "team": {}})
    return handlers.WantedClient(ref, profile, body.owner_id, body.team, body.external_ids)


@router.put(
    "/clients/{id}",
    responses={201: {**CREATED_RESPONSES[201], "model": Client, "description": "It is new"}},
    summary="Create a client, or replace what is given of it",
)
async def put_client(id: PutRef, body: PutClientBody, door: Door = allow(*CLIENT_ROLES)) -> Client:
    def check(version: int | None) -> None:
        headers = door.request.headers
        if version is None and "if-match" in headers:
            raise Stale
        if version is not None and headers.get("if-none-match", "").strip() == "*":
            raise ClientExists
        if version is not None:
            door.check_version(version)

    result, client = await door.transact(
        handlers.put_client, _make_wanted_client(id, body), door.principal.roles, check
    )
    if result.outcome == "created":
        door.response.status_code = 201
        door.set_location("clients", client.id)
    door.set_etag(client.version)
    return client


def _batch_schema() -> dict[str, Any]:
    schema = ClientBatchBody.model_json_schema()
    item = ClientBatchItem.model_json_schema(ref_template="#/components/schemas/{model}")
    del item["$defs"]  # they stand with those of the other routes
    schema["properties"]["items"]["items"] = item
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.post(
    "/clients/batch",
    openapi_extra=_batch_schema(),
    summary="Create or replace up to 1,000 clients: the good ones are done, the others named",
)
async def put_clients(request: Request, door: Door = allow(*CLIENT_ROLES)) -> PutOutcomes:
    read = await asyncio.to_thread(_parse_batch, await request.body())  # so that nobody else waits for 32 MB of JSON
    valid = [item for item in read if isinstance(item, handlers.WantedClient)]
    results = iter(await door.transact(handlers.put_clients, valid, door.principal.roles) if valid else [])
    items = [
        next(results) if isinstance(item, handlers.WantedClient) else handlers.PutResult(None, "refused", item)
        for item in read
    ]
    outcomes = Counter(item.outcome for item in items)
    counts = {name: outcomes[name] for name in ("created", "updated", "unchanged", "refused")}
    return PutOutcomes.model_validate({"items": items, **counts}, from_attributes=True)


def _parse_batch(body: bytes) -> list[handlers.WantedClient | str]:
    """Each item, or what is wrong with it. Raises `RequestValidationError`."""
    return [_parse_item(item) for item in parse_bulk_body(body, ClientBatchBody).items]


def _parse_item(item: Any) -> handlers.WantedClient | str:
    try:
        client = ClientBatchItem.model_validate(item)
    except ValidationError as error:
        return describe_invalid_item(ClientBatchItem, error)
    return _make_wanted_client(client.id, client)
