"""The people at a client."""

from typing import Any

from fastapi import APIRouter, Depends

from services.clients.api.clients import READERS, Contact, ShownContact, WithLocation
from services.clients.api.opened import opened
from services.clients.handlers import contacts
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
async def read(id: ClientRef, paging: Paging = Depends(paging), door: Door = allow(*READERS)) -> Any:
    return make_page(opened(await door.transact(contacts.read, id, paging, door.principal.roles)), paging)


@router.post(
    "/clients/{id}/contacts",
    status_code=201,
    response_model=ShownContact,
    responses=WithLocation,
    summary="Add somebody at a client",
)
async def add(id: ClientRef, body: Contact, door: Door = allow(*READERS)) -> Any:
    contact = {**body.model_dump(), "id": body.id or uuid7()}
    added = opened(await door.transact(contacts.add, id, contact, door.principal.roles))
    door.set_location("clients", added["client_id"], "contacts", added["id"])
    return added


@router.patch(
    "/clients/{id}/contacts/{contact_id}",
    response_model=ShownContact,
    summary="Change what is given of a contact; the `ETag` is that of the client",
)
async def change(id: ClientRef, contact_id: Id, body: ContactChanges, door: Door = allow(*READERS)) -> Any:
    given = body.model_dump(exclude_unset=True)
    changed = opened(
        await door.transact(contacts.change, id, contact_id, given, door.principal.roles, door.check_version)
    )
    door.set_etag(changed["version"])
    return changed


@router.delete("/clients/{id}/contacts/{contact_id}", status_code=204, summary="Somebody is no longer at the client")
async def remove(id: ClientRef, contact_id: Id, door: Door = allow(*READERS)) -> None:
    opened(await door.transact(contacts.remove, id, contact_id, door.principal.roles))
