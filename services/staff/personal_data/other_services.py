"""Asks the other services, as `service`, what they keep of a person."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import structlog

from shared.settings import SERVICES

TIMEOUT = httpx.Timeout(15, connect=3)

SERVICES_THAT_NAME_CLIENTS = ("clients", "offboarding")  # who would name clients, and must know whether they may

log = structlog.get_logger()


async def fetch_personal_data(
    calls: httpx.AsyncClient, employee_id: str, clients: bool
) -> dict[str, Mapping[str, Any] | None]:
    """By service; None where one does not answer."""
    others = [name for name in SERVICES if name != "staff"]
    answers = await asyncio.gather(*(_fetch_from_service(calls, name, employee_id, clients) for name in others))
    return dict(zip(others, answers, strict=True))


async def _fetch_from_service(
    calls: httpx.AsyncClient, service: str, employee_id: str, clients: bool
) -> Mapping[str, Any] | None:
    query = {"clients": str(clients).lower()} if service in SERVICES_THAT_NAME_CLIENTS else {}
    try:
        answer = await calls.get(f"/{service}/v1/personal-data/{employee_id}", params=query, timeout=TIMEOUT)
        answer.raise_for_status()
        found: Mapping[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        log.warning("personal_data.missing", asked=service, error=type(error).__name__)
        return None
    return found
