"""The REST door."""

from fastapi import APIRouter, Depends, Request

from services.clients.api import (
    access,
    clients,
    contacts,
    erasures,
    exposure,
    freezes,
    holds,
    imports,
    journal,
    knowing,
    limits,
    passes,
    personal,
    proofs,
    risks,
    routing,
    streams,
    synchronising,
    transfers,
    usage,
)
from services.clients.handlers.guarding import must_have_room


async def have_room(request: Request) -> None:
    """What is decided is journaled; without room for that, nothing is decided."""
    must_have_room(request.app.state.runtime)


router = APIRouter()
# Routes are looked through in this order. `access` asks for room itself, for its checks know no dependencies.
DECIDING = (routing, synchronising, clients, contacts, imports, streams, usage, exposure, personal, knowing, risks)
PARTS = (
    *(access, routing, synchronising, clients, contacts, erasures),
    *(transfers, imports, freezes, passes, limits, journal, proofs, holds, streams),
    *(usage, exposure, personal),
    *(knowing, risks),
)
for part in PARTS:
    router.include_router(part.router, dependencies=[Depends(have_room)] if part in DECIDING else [])
