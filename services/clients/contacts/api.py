"""The people at a client."""

from typing import cast

from fastapi import APIRouter, Depends

from services.clients.access.api import CREATED_RESPONSES
from services.clients.contacts import handlers
from services.clients.journal.api import require_journal_space_at_door
from services.clients.register import rules
from services.clients.register.api import CLIENT_ROLES, NewContactBody
from shared.http.door import Door, allow
from shared.http.fields import Body, ShortText
from shared.ids import ClientRef, Id, uuid7
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["contacts"], dependencies=[Depends(require_journal_space_at_door)])


class ContactChangesBody(Body):
    name: ShortText = ""
    email: ShortText | None = None
    phone: ShortText | None = None


@router.get("/clients/{id}/contacts", summary="The people at a client")
async def list_contacts(
    id: ClientRef, paging: Paging = Depends(paging), door: Door = allow(*CLIENT_ROLES)
) -> Page[rules.Contact]:
    contacts = await door.transact(handlers.list_contacts, id, paging, door.principal.roles)
    return make_page(contacts, paging, lambda contact: (contact.id,))


@router.post("/clients/{id}/contacts", status_code=201, responses=CREATED_RESPONSES, summary="Add somebody at a client")
async def add_contact(id: ClientRef, body: NewContactBody, door: Door = allow(*CLIENT_ROLES)) -> rules.Contact:
    contact = rules.Contact(body.id or uuid7(), body.name, body.email, body.phone)
    saved = await door.transact(handlers.add_contact, id, contact, door.principal.roles)
    door.set_location("clients", saved.client_id, "contacts", saved.contact.id)
    return saved.contact


@router.patch(
    "/clients/{id}/contacts/{contact_id}",
    summary="Change what is given of a contact; the `ETag` is that of the client",
)
async def change_contact(
    id: ClientRef, contact_id: Id, body: ContactChangesBody, door: Door = allow(*CLIENT_ROLES)
) -> rules.Contact:
    changes = cast(rules.ContactChanges, body.model_dump(exclude_unset=True))
    saved = await door.transact(
        handlers.change_contact, id, contact_id, changes, door.principal.roles, door.check_version
    )
    door.set_etag(saved.client_version)
    return saved.contact


@router.delete("/clients/{id}/contacts/{contact_id}", status_code=204, summary="Somebody is no longer at the client")
async def remove_contact(id: ClientRef, contact_id: Id, door: Door = allow(*CLIENT_ROLES)) -> None:
    await door.transact(handlers.remove_contact, id, contact_id, door.principal.roles)
