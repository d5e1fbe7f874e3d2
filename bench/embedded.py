"""`clients` alone in this process: connected, started by whoever needs it started."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from services.wiring import close_replicas, connect_embedded_services
from shared.replica import Replica
from shared.settings import Settings
from tests.support.house import KEY


@asynccontextmanager
async def open_clients(url: str, settings: Settings | None = None) -> AsyncIterator[tuple[Replica, FastAPI]]:
    embedded = connect_embedded_services(settings or Settings(), {"clients": url}, KEY)
    try:
        yield embedded.replicas["clients"], embedded.front.apps["clients"]
    finally:
        await close_replicas(embedded.replicas.values())


@asynccontextmanager
async def open_clients_door(url: str) -> AsyncIterator[tuple[Replica, httpx.AsyncClient]]:
    """The same, and a client of its API with the token of a service."""
    async with open_clients(url) as (runtime, app):
        headers = {"Authorization": f"Bearer {runtime.keys.issue_token('crm', ['service'], 3600)}"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bench", headers=headers) as http:
            yield runtime, http
