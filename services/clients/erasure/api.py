"""Erasing who a client was, or a person at a client; and the act of it."""

from fastapi import APIRouter

from services.clients.erasure import handlers, store
from shared.http.door import Door, allow
from shared.http.fields import Body, ShortText
from shared.ids import ClientRef, Id

router = APIRouter(tags=["erasures"])


class ErasureBody(Body):
    """Why, without saying who: such as the number of the request."""

    reason: ShortText


@router.post("/clients/{id}/erase", summary="Erase who a client was")
async def erase_client(id: ClientRef, body: ErasureBody, door: Door = allow("director", "service")) -> store.Erasure:
    """Also by the CRM, which keeps the client's own wish. Name, contacts and free text go, in all services; the id, the owners
    and the figures stay. It cannot be undone. 409 while the client is being handed over."""
    return await door.transact(handlers.erase_client, id, body.reason)


@router.post("/clients/{id}/contacts/{contact_id}/erase", summary="Erase a person at a client")
async def erase_contact(
    id: ClientRef, contact_id: Id, body: ErasureBody, door: Door = allow("director", "service")
) -> store.Erasure:
    """Never refused, also while a case is open. What names them is emptied too; of the notes of a handover, whoever they name."""
    return await door.transact(handlers.erase_contact, id, contact_id, body.reason)
