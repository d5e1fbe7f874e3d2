"""Clients: register, read, change; their team, interactions and feedback."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, BaseModel, Field

from services.clients.api.opened import opened
from services.clients.domain.contacts import MOST
from services.clients.handlers import clients, team
from services.clients.store.clients import Registration, registration
from services.clients.store.refs import MERGED
from shared.auth import Role
from shared.http.door import Door, allow
from shared.http.fields import Body, Effort, Line, Moment, Money, NotBoolean, Paragraphs, Total
from shared.ids import ClientRef, Id, uuid7
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["clients"])

READERS: tuple[Role, ...] = ("employee", "sales_head", "director", "service")
Words = Annotated[list[Line], Field(max_length=100)]
WithLocation: dict[int | str, dict[str, Any]] = {
    201: {"headers": {"Location": {"schema": {"type": "string"}, "description": "Where it is"}}}
}


# In one order, so that the same content has the same fingerprint.
Team = Annotated[dict[Id, Id], Field(max_length=50), AfterValidator(lambda team: dict(sorted(team.items())))]
Status = Literal["prospect", "active", "dormant", "closed"]


def left_out(default: Any) -> Any:
    """A field that came later than others: at its default it is not written, so that a body's fingerprint stays."""
    return Field(default, exclude_if=lambda value: value == default)


class Contact(Body):
    id: Id | None = left_out(None)
    name: Line
    email: Line | None = None
    phone: Line | None = None


class ShownContact(BaseModel):
    id: str
    name: str
    email: str | None = None
    phone: str | None = None


def _each_once(contacts: list[Contact]) -> list[Contact]:
    named = [contact.id for contact in contacts if contact.id]
    if len(set(named)) < len(named):
        raise ValueError("an id stands for one contact")
    return contacts


def _not_ours(ids: dict[str, Any]) -> dict[str, Any]:
    if MERGED in ids:
        raise ValueError("`merged` is no other system: under it stand clients that were merged into this one")
    return dict(sorted(ids.items()))


Contacts = Annotated[list[Contact], Field(max_length=MOST), AfterValidator(_each_once)]
# A system that is not named keeps its id; null takes it away.
ExternalIdChanges = Annotated[dict[Id, Id | None], Field(max_length=20), AfterValidator(_not_ours)]
ExternalIds = Annotated[dict[Id, Id], Field(max_length=20), AfterValidator(_not_ours)]


class NewClient(Body):
    id: Id | None = None
    name: Line
    owner_id: Id
    value: Money | None = None
    effort: Effort = 1
    regions: Words = Field(default_factory=list)
    languages: Words = Field(default_factory=list)
    contacts: Contacts = Field(default_factory=list)
    team: Team = Field(default_factory=dict)
    status: Status = left_out("active")
    expected_value: Money | None = left_out(None)
    external_ids: ExternalIds = Field(default_factory=dict, exclude_if=lambda ids: not ids)


class ClientChanges(Body):
    name: Line = ""
    value: Money | None = None
    effort: Effort = 1
    regions: Words = Field(default_factory=list)
    languages: Words = Field(default_factory=list)
    contacts: Contacts = Field(default_factory=list)
    status: Status = "active"
    expected_value: Money | None = None
    external_ids: ExternalIdChanges = Field(default_factory=dict)


class Client(BaseModel):
    """`owner_id` is the acting owner; `record_owner_id` the owner of record, where it differs. `expected_value` is what
    it may bring one day. `external_ids`: what other systems call it."""

    id: str
    name: str
    owner_id: str
    record_owner_id: str | None
    unowned: bool
    value: Total
    expected_value: Money | None
    status: Status
    effort: float
    regions: list[str]
    languages: list[str]
    contacts: list[ShownContact]
    team: dict[str, str]
    external_ids: dict[str, str]
    registered_at: datetime
    version: int


class HistoryEntry(BaseModel):
    """`caretaker`, `unowned`, and `returned` without a person are of the freeze of the owner of record.
    `merged` is the last of a client that is part of another now."""

    at: datetime
    kind: Literal["registered", "permanent", "returned", "manual", "caretaker", "unowned", "merged"]
    from_id: str | None
    to_id: str | None
    by_id: str | None
    case_id: str | None
    reason: str | None


class Place(Body):
    employee_id: Id


class NewInteraction(Body):
    id: Id | None = None
    employee_id: Id
    kind: Literal["meeting", "call", "mail"]
    at: Moment
    summary: Paragraphs | None = None


class Interaction(BaseModel):
    id: str
    client_id: str
    employee_id: str
    kind: str
    at: datetime
    summary: str | None


class NewFeedback(Body):
    id: Id | None = None
    score: Annotated[int, Field(ge=0, le=10), NotBoolean]
    note: Paragraphs | None = None
    at: Moment | None = None


class Feedback(BaseModel):
    id: str
    client_id: str
    score: int
    note: str | None
    at: datetime


def as_registration(client: NewClient, id: str) -> Registration:
    whole = client if client.id else client.model_copy(update={"id": id})
    return registration(id, client.owner_id, client.team, whole.model_dump_json())


@router.post("/clients", status_code=201, response_model=Client, responses=WithLocation, summary="Register a client")
async def register(body: NewClient, door: Door = allow(*READERS)) -> Any:
    client = await door.transact(clients.register, as_registration(body, body.id or uuid7()), door.principal.roles)
    door.set_location("clients", client["id"])
    return client


@router.get("/clients", response_model=Page[Client], summary="Clients that the caller may list")
async def list_clients(
    owner_id: Annotated[Id | None, Query(description="acting owner")] = None,
    unowned: bool | None = None,
    q: Annotated[Line | None, Query(description="words, a mail address or a phone number; words may be begun")] = None,
    status: Status | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow(*READERS),
) -> Any:
    rows = opened(await door.transact(clients.list_visible, door.principal.roles, paging, owner_id, unowned, q, status))
    return make_page(rows, paging)


@router.get("/clients/{id}", response_model=Client, summary="One client")
async def read(id: ClientRef, door: Door = allow(*READERS)) -> Any:
    client = opened(await door.transact(clients.read, id, door.principal.roles))
    door.set_etag(client["version"])
    return client


@router.patch(
    "/clients/{id}", response_model=Client, summary="Change what is given of a client; its owner changes by transfer"
)
async def change(id: ClientRef, body: ClientChanges, door: Door = allow(*READERS)) -> Any:
    given = body.model_dump(exclude_unset=True)
    client = opened(await door.transact(clients.change, id, given, door.principal.roles, door.check_version))
    door.set_etag(client["version"])
    return client


@router.get(
    "/clients/{id}/history",
    response_model=Page[HistoryEntry],
    summary="Everybody who was ever responsible, oldest first",
)
async def history(id: ClientRef, paging: Paging = Depends(paging), door: Door = allow(*READERS)) -> Any:
    rows = opened(await door.transact(clients.history, id, door.principal.roles, paging))
    return make_page(rows, paging, lambda row: (str(row["nth"]),))


@router.put("/clients/{id}/team/{function}", response_model=Client, summary="Say who serves the client in a function")
async def place(id: ClientRef, function: Id, body: Place, door: Door = allow(*READERS)) -> Any:
    client = opened(
        await door.transact(team.place, id, function, body.employee_id, door.principal.roles, door.check_version)
    )
    door.set_etag(client["version"])
    return client


@router.delete(
    "/clients/{id}/team/{function}", status_code=204, summary="Nobody serves the client in this function any more"
)
async def remove(id: ClientRef, function: Id, door: Door = allow(*READERS)) -> None:
    opened(await door.transact(team.remove, id, function, door.principal.roles))


@router.post(
    "/clients/{id}/interactions",
    status_code=201,
    response_model=Interaction,
    responses=WithLocation,
    summary="Note a meeting, call or mail: who knows whom",
)
async def note_interaction(id: ClientRef, body: NewInteraction, door: Door = allow(*READERS)) -> Any:
    noted = opened(await door.transact(team.note_interaction, id, body.model_dump(), door.principal.roles))
    door.set_location("clients", noted["client_id"])
    return noted


@router.post(
    "/clients/{id}/feedback",
    status_code=201,
    response_model=Feedback,
    responses=WithLocation,
    summary="Note what the client says of us, from 0 to 10",
)
async def note_feedback(id: ClientRef, body: NewFeedback, door: Door = allow(*READERS)) -> Any:
    noted = opened(await door.transact(team.note_feedback, id, body.model_dump(), door.principal.roles))
    door.set_location("clients", noted["client_id"])
    return noted
