"""Made for daily synchronisation: clients as another system has them, one by one or a thousand at a time."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from services.clients.api.clients import (
    READERS,
    Client,
    Contacts,
    ExternalIdChanges,
    Status,
    Team,
    WithLocation,
    Words,
)
from services.clients.api.faults import read_bulk, wrong
from services.clients.api.opened import opened
from services.clients.handlers import merging, synchronising
from services.clients.handlers.synchronising import REFUSALS, Put, Wanted
from services.clients.store.refs import MERGED
from shared.errors import HoldfastError, Stale
from shared.http.door import Door, allow
from shared.http.fields import Body, Effort, Line, Money
from shared.ids import ClientRef, Id

router = APIRouter(tags=["clients"])


class AlreadyThere(HoldfastError, code="already_there"):
    """This client exists; with `If-None-Match: *` it would only have been created."""

    status = 412


def _of_another_system(ref: str) -> str:
    if ref.startswith(f"{MERGED}~"):
        raise ValueError("a client that was merged is put under the id of the one that it was merged into")
    return ref


PutRef = Annotated[ClientRef, AfterValidator(_of_another_system)]


class WholeClient(Body):
    """What is left out of the profile returns to its default; owner, team and the ids of systems not named stay."""

    name: Line
    owner_id: Id | None = None
    value: Money | None = None
    expected_value: Money | None = None
    status: Status = "active"
    effort: Effort = 1
    regions: Words = Field(default_factory=list)
    languages: Words = Field(default_factory=list)
    contacts: Contacts = Field(default_factory=list)
    team: Team | None = None
    external_ids: ExternalIdChanges = Field(default_factory=dict)


class BatchClient(WholeClient):
    id: PutRef


class Batch(Body):
    items: Annotated[list[Any], Field(max_length=1_000)]


class Outcome(BaseModel):
    client_id: str | None = Field(description="the id here; null where there is no such client")
    outcome: Literal["created", "updated", "unchanged", "refused"]
    reason: str | None = None


class Outcomes(BaseModel):
    """A result for each item, in the order given."""

    items: list[Outcome]
    created: int
    updated: int
    unchanged: int
    refused: int


def _wanted(ref: str, body: WholeClient) -> Wanted:
    profile = body.model_dump(mode="json", exclude={"id", "owner_id", "team", "external_ids"})
    return Wanted(ref, profile, body.owner_id, body.team, body.external_ids)


@router.put(
    "/clients/{id}",
    response_model=Client,
    responses={201: {**WithLocation[201], "model": Client, "description": "It is new"}},
    summary="Create a client, or replace what is given of it",
)
async def put(id: PutRef, body: WholeClient, door: Door = allow(*READERS)) -> Any:
    def check(version: int | None) -> None:
        headers = door.request.headers
        if version is None and "if-match" in headers:
            raise Stale
        if version is not None and headers.get("if-none-match", "").strip() == "*":
            raise AlreadyThere
        if version is not None:
            door.check_version(version)

    result, client = await door.transact(synchronising.put_one, _wanted(id, body), door.principal.roles, check)
    if result.reason:
        opened({"refused": result.reason} if result.reason == "action_not_allowed" else None)
        raise REFUSALS[result.reason](**({"system": result.system} if result.system else {}))
    if result.outcome == "created":
        door.response.status_code = 201
        door.set_location("clients", client["id"])
    door.set_etag(client["version"])
    return client


class Merge(Body):
    into_id: ClientRef


@router.post("/clients/{id}/merge", response_model=Client, summary="Two clients are one: the other one stays")
async def merge(id: ClientRef, body: Merge, door: Door = allow("sales_head", "director", "service")) -> Any:
    """Contacts, ids, interactions, feedback, vacant functions of the team, passes and orders go over; owner and profile of
    the other stay as they are. The id of the merged one stands for the other from now on. It cannot be undone."""
    client = opened(await door.transact(merging.merge, id, body.into_id, door.principal.roles))
    door.set_etag(client["version"])
    return client


def _schema() -> dict[str, Any]:
    schema = Batch.model_json_schema()
    item = BatchClient.model_json_schema(ref_template="#/components/schemas/{model}")
    del item["$defs"]  # they stand with those of the other routes
    schema["properties"]["items"]["items"] = item
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.post(
    "/clients/batch",
    response_model=Outcomes,
    openapi_extra=_schema(),
    summary="Create or replace up to 1,000 clients: the good ones are done, the others named",
)
async def put_batch(request: Request, door: Door = allow(*READERS)) -> Any:
    read = await asyncio.to_thread(_read, await request.body())  # so that nobody else waits for 32 MB of JSON
    good = [one for one in read if isinstance(one, Wanted)]
    done = iter(await door.transact(synchronising.put, good, door.principal.roles) if good else [])
    items = [Put(*next(done)) if isinstance(one, Wanted) else Put(None, "refused", one) for one in read]
    counts = {
        word: sum(item.outcome == word for item in items) for word in ("created", "updated", "unchanged", "refused")
    }
    return {"items": [item._asdict() for item in items], **counts}


def _read(body: bytes) -> list[Wanted | str]:
    """Each item, or what is wrong with it. Raises `RequestValidationError`."""
    return [_item(item) for item in read_bulk(body, Batch).items]


def _item(item: Any) -> Wanted | str:
    try:
        client = BatchClient.model_validate(item)
    except ValidationError as error:
        return wrong(BatchClient, error)
    return _wanted(client.id, client)
