"""The REST door."""

from fastapi import APIRouter

from services.clients.api import access, clients, freezes, journal, passes, streams, transfers

router = APIRouter()
for part in (clients, transfers, access, freezes, passes, journal, streams):
    router.include_router(part.router)
