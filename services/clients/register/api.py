"""Clients: register, read, change, list; who was ever responsible."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, BaseModel, Field

from services.clients.access.api import CREATED_RESPONSES
from services.clients.holdings.store.owners import OwnerChange
from services.clients.journal.api import require_journal_space_at_door
from services.clients.names.store import MERGED_SYSTEM
from services.clients.register import handlers, rules
from shared.auth import Role
from shared.http.door import Door, allow
from shared.http.fields import Body, Effort, Money, ShortText
from shared.ids import ClientRef, Id, uuid7
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["clients"], dependencies=[Depends(require_journal_space_at_door)])
CLIENT_ROLES: tuple[Role, ...] = ("employee", "sales_head", "director", "service")
ShortTexts = Annotated[list[ShortText], Field(max_length=100)]

# In one order, so that the same content has the same fingerprint.
Team = Annotated[dict[Id, Id], Field(max_length=50), AfterValidator(lambda team: dict(sorted(team.items())))]


def make_field_omitted_at_default(default: Any) -> Any:
    """A field that came later than others: at its default it is not written, so that a body's fingerprint stays."""
    return Field(default, exclude_if=lambda value: value == default)


class NewContactBody(Body):
    id: Id | None = make_field_omitted_at_default(None)
    name: ShortText
    email: ShortText | None = None
    phone: ShortText | None = None


def _check_distinct_ids(contacts: list[NewContactBody]) -> list[NewContactBody]:
    named = [contact.id for contact in contacts if contact.id]
    if len(set(named)) < len(named):
        raise ValueError("an id stands for one contact")
    return contacts


def _check_systems(ids: dict[str, Any]) -> dict[str, Any]:
    if MERGED_SYSTEM in ids:
        raise ValueError("`merged` is no other system: under it stand clients that were merged into this one")
    return dict(sorted(ids.items()))


Contacts = Annotated[list[NewContactBody], Field(max_length=rules.MAX_CONTACTS), AfterValidator(_check_distinct_ids)]

# A system that is not named keeps its id; null takes it away.
ExternalIdChanges = Annotated[dict[Id, Id | None], Field(max_length=20), AfterValidator(_check_systems)]
ExternalIds = Annotated[dict[Id, Id], Field(max_length=20), AfterValidator(_check_systems)]


class NewClientBody(Body):
    id: Id | None = None
    name: ShortText
    owner_id: Id
    value: Money | None = None
    effort: Effort = 1
    regions: ShortTexts = Field(default_factory=list)
    languages: ShortTexts = Field(default_factory=list)
    contacts: Contacts = Field(default_factory=list)
    team: Team = Field(default_factory=dict)
    status: rules.Status = make_field_omitted_at_default("active")
    expected_value: Money | None = make_field_omitted_at_default(None)
    external_ids: ExternalIds = Field(default_factory=dict, exclude_if=lambda ids: not ids)


class ClientChangesBody(Body):
    name: ShortText = ""
    value: Money | None = None
    effort: Effort = 1
    regions: ShortTexts = Field(default_factory=list)
    languages: ShortTexts = Field(default_factory=list)
    contacts: Contacts = Field(default_factory=list)
    status: rules.Status = "active"
    expected_value: Money | None = None
    external_ids: ExternalIdChanges = Field(default_factory=dict)


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


def to_contacts(contacts: list[NewContactBody]) -> list[rules.Contact]:
    return [rules.Contact(one.id or "", one.name, one.email, one.phone) for one in contacts]


def to_registration(client: NewClientBody, id: str) -> rules.Registration:
    whole = client if client.id else client.model_copy(update={"id": id})
    profile = rules.Profile(**{name: getattr(client, name) for name in rules.PROFILE_FIELDS})
    profile = replace(profile, contacts=to_contacts(client.contacts))
    return rules.build_registration(id, client.owner_id, profile, whole.model_dump_json())


def to_changes(changes: ClientChangesBody) -> rules.ProfileChanges:
    given = changes.model_dump(exclude_unset=True)
    if "contacts" in given:
        given["contacts"] = to_contacts(changes.contacts)
    return cast(rules.ProfileChanges, given)


@router.post("/clients", status_code=201, responses=CREATED_RESPONSES, summary="Register a client")
async def register_client(body: NewClientBody, door: Door = allow(*CLIENT_ROLES)) -> rules.Client:
    client = await door.transact(
        handlers.register_client, to_registration(body, body.id or uuid7()), door.principal.roles
    )
    door.set_location("clients", client.id)
    return client


@router.get("/clients", summary="Clients that the caller may list")
async def list_clients(
    owner_id: Annotated[Id | None, Query(description="acting owner")] = None,
    unowned: bool | None = None,
    q: Annotated[
        ShortText | None, Query(description="words, a mail address or a phone number; words may be begun")
    ] = None,
    status: rules.Status | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow(*CLIENT_ROLES),
) -> Page[rules.Client]:
    clients = await door.transact(handlers.list_clients, door.principal.roles, paging, owner_id, unowned, q, status)
    return make_page(clients, paging, lambda client: (client.id,))


@router.get("/clients/{id}", summary="One client")
async def read_client(id: ClientRef, door: Door = allow(*CLIENT_ROLES)) -> rules.Client:
    client = await door.transact(handlers.read_client, id, door.principal.roles)
    door.set_etag(client.version)
    return client


@router.patch("/clients/{id}", summary="Change what is given of a client; its owner changes by transfer")
async def change_client(id: ClientRef, body: ClientChangesBody, door: Door = allow(*CLIENT_ROLES)) -> rules.Client:
    client = await door.transact(handlers.change_client, id, to_changes(body), door.principal.roles, door.check_version)
    door.set_etag(client.version)
    return client


@router.get(
    "/clients/{id}/history",
    response_model=Page[HistoryEntry],
    summary="Everybody who was ever responsible, oldest first",
)
async def read_client_history(
    id: ClientRef, paging: Paging = Depends(paging), door: Door = allow(*CLIENT_ROLES)
) -> Page[OwnerChange]:
    changes = await door.transact(handlers.read_client_history, id, door.principal.roles, paging)
    return make_page(changes, paging, lambda change: (str(change.nth),))
