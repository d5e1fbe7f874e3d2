"""For telephony: whose phone rings when a client calls."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.clients.routing import handlers
from shared.http.door import Door, allow
from shared.http.fields import Line
from shared.ids import Id

router = APIRouter(tags=["clients"])


class CallRoute(BaseModel):
    """Ring these in their order. `reason` is that of the first: who they are to the client."""

    client_id: str | None
    ring: list[str]
    reason: Literal[
        "function", "owner", "caretaker", "deputy", "team", "head", "last_resort", "nobody", "unknown_client"
    ]


@router.get("/clients/route", response_model=CallRoute, summary="Whose phone rings when a client calls")
async def route_call(
    phone: Annotated[Line, Query(description="the caller's number, for example %2B4930901820")],
    function: Annotated[Id | None, Query(description="whom they want, for example delivery")] = None,
    door: Door = allow("service"),
) -> Any:
    return await door.transact(handlers.route_call, phone, function)
