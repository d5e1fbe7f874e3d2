"""Two clients that are one."""

from fastapi import APIRouter, Depends

from services.clients.journal.api import require_journal_space_at_door
from services.clients.merging import handlers
from services.clients.register.rules import Client
from shared.http.door import Door, allow
from shared.http.fields import Body
from shared.ids import ClientRef

router = APIRouter(tags=["clients"], dependencies=[Depends(require_journal_space_at_door)])


class MergeBody(Body):
    into_id: ClientRef


@router.post("/clients/{id}/merge", summary="Two clients are one: the other one stays")
async def merge_client(
    id: ClientRef, body: MergeBody, door: Door = allow("sales_head", "director", "service")
) -> Client:
    """Contacts, ids, interactions, feedback, vacant functions of the team, passes and orders go over; owner and profile of
    the other stay as they are. The id of the merged one stands for the other from now on. It cannot be undone."""
    client = await door.transact(handlers.merge_clients, id, body.into_id, door.principal.roles)
    door.set_etag(client.version)
    return client
