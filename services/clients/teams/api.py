"""Who serves a client in which function."""

from fastapi import APIRouter, Depends

from services.clients.journal.api import require_journal_space_at_door
from services.clients.register.api import CLIENT_ROLES
from services.clients.register.rules import Client
from services.clients.teams import handlers
from shared.http.door import Door, allow
from shared.http.fields import Body
from shared.ids import ClientRef, Id

router = APIRouter(tags=["clients"], dependencies=[Depends(require_journal_space_at_door)])


class TeamPlaceBody(Body):
    employee_id: Id


@router.put("/clients/{id}/team/{function}", summary="Say who serves the client in a function")
async def place_in_team(id: ClientRef, function: Id, body: TeamPlaceBody, door: Door = allow(*CLIENT_ROLES)) -> Client:
    client = await door.transact(
        handlers.place_in_team, id, function, body.employee_id, door.principal.roles, door.check_version
    )
    door.set_etag(client.version)
    return client


@router.delete(
    "/clients/{id}/team/{function}", status_code=204, summary="Nobody serves the client in this function any more"
)
async def remove_from_team(id: ClientRef, function: Id, door: Door = allow(*CLIENT_ROLES)) -> None:
    await door.transact(handlers.remove_from_team, id, function, door.principal.roles)
