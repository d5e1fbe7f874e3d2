"""The REST door."""

from fastapi import APIRouter

from services.clients.api import access, clients, freezes, journal, passes, streams, transfers, usage

router = APIRouter()
for part in (
    access,
    clients,
    transfers,
    freezes,
    passes,
    journal,
    streams,
    usage,
):  # routes are looked through in this order
    router.include_router(part.router)
