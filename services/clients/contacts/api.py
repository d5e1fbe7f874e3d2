"""The people at a client."""

from typing import Any

from fastapi import APIRouter, Depends

from services.clients.access.handlers import raise_if_refused
from services.clients.contacts import handlers
from services.clients.register.api import CLIENT_ROLES, CREATED_RESPONSES, Contact, ShownContact
from shared.http.door import Door, allow
from shared.http.fields import Body, Line
from shared.ids import ClientRef, Id, uuid7
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["contacts"])


class ContactChanges(Body):
    name: Line = ""
    email: Line | None = None
    phone: Line | None = None


@router.get("/clients/{id}/contacts", response_model=Page[ShownContact], summary="The people at a client")
async def list_contacts(id: ClientRef, paging: Paging = Depends(paging), door: Door = allow(*CLIENT_ROLES)) -> Any:
    return make_page(
        raise_if_refused(await door.transact(handlers.list_contacts, id, paging, door.principal.roles)), paging
    )


@router.post(
    "/clients/{id}/contacts",
    status_code=201,
    response_model=ShownContact,
    responses=CREATED_RESPONSES,
    summary="Add somebody at a client",
)
async def add_contact(id: ClientRef, body: Contact, door: Door = allow(*CLIENT_ROLES)) -> Any:
    contact = {**body.model_dump(), "id": body.id or uuid7()}
    added = raise_if_refused(await door.transact(handlers.add_contact, id, contact, door.principal.roles))
    door.set_location("clients", added["client_id"], "contacts", added["id"])
    return added


@router.patch(
    "/clients/{id}/contacts/{contact_id}",
    response_model=ShownContact,
    summary="Change what is given of a contact; the `ETag` is that of the client",
)
async def change_contact(id: ClientRef, contact_id: Id, body: ContactChanges, door: Door = allow(*CLIENT_ROLES)) -> Any:
    given = body.model_dump(exclude_unset=True)
    changed = raise_if_refused(
        await door.transact(handlers.change_contact, id, contact_id, given, door.principal.roles, door.check_version)
    )
    door.set_etag(changed["version"])
    return changed


@router.delete("/clients/{id}/contacts/{contact_id}", status_code=204, summary="Somebody is no longer at the client")
async def remove_contact(id: ClientRef, contact_id: Id, door: Door = allow(*CLIENT_ROLES)) -> None:
    raise_if_refused(await door.transact(handlers.remove_contact, id, contact_id, door.principal.roles))
