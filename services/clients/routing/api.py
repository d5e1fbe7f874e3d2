"""For telephony: whose phone rings when a client calls."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.clients.journal.api import require_journal_space_at_door
from services.clients.routing import handlers, store
from shared.http.door import Door, allow
from shared.http.fields import ShortText
from shared.ids import Id

router = APIRouter(tags=["clients"], dependencies=[Depends(require_journal_space_at_door)])


@router.get("/clients/route", summary="Whose phone rings when a client calls")
async def route_call(
    phone: Annotated[ShortText, Query(description="the caller's number, for example %2B4930901820")],
    function: Annotated[Id | None, Query(description="whom they want, for example delivery")] = None,
    door: Door = allow("service"),
) -> store.CallRoute:
    return await door.transact(handlers.route_call, phone, function)
