"""The REST door."""

from fastapi import APIRouter

from services.clients.api import (
    access,
    clients,
    contacts,
    erasures,
    exposure,
    freezes,
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

router = APIRouter()
PARTS = (
    *(access, routing, synchronising, clients, contacts, erasures),
    *(transfers, imports, freezes, passes, limits, journal, proofs, streams),
    *(usage, exposure, personal),
    *(knowing, risks),
)
for part in PARTS:  # routes are looked through in this order
    router.include_router(part.router)
