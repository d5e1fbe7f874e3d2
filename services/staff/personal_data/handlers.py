"""Reading what staff keeps of an employee, and asking the other services, as `service`, what they do."""

import asyncio

import httpx
import structlog
from pydantic import JsonValue

from services.staff.personal_data import store
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.journal import publish_journal_entry
from shared.settings import SERVICES

TIMEOUT = httpx.Timeout(15, connect=3)

SERVICES_THAT_NAME_CLIENTS = ("clients", "offboarding")  # which must know whether they may

log = structlog.get_logger()


async def disclose_personal_data(work: UnitOfWork, employee_id: str) -> dict[str, JsonValue]:
    """By kind, journaled. Raises `NotFound`."""
    personal_data = await store.get_personal_data(work, employee_id)
    if personal_data is None:
        raise NotFound
    publish_journal_entry(work, "personal_data.read", employee_id, service=work.service)
    return personal_data


async def fetch_personal_data_from_other_services(
    http_client: httpx.AsyncClient, employee_id: str, names_clients: bool
) -> dict[str, dict[str, JsonValue] | None]:
    """By service, and whether clients are named in it; None where one does not answer."""
    others = [name for name in SERVICES if name != "staff"]
    answers = await asyncio.gather(
        *(_fetch_from_service(http_client, name, employee_id, names_clients) for name in others)
    )
    return dict(zip(others, answers, strict=True))


async def _fetch_from_service(
    http_client: httpx.AsyncClient, service: str, employee_id: str, names_clients: bool
) -> dict[str, JsonValue] | None:
    query = {"clients": str(names_clients).lower()} if service in SERVICES_THAT_NAME_CLIENTS else {}
    try:
        answer = await http_client.get(f"/{service}/v1/personal-data/{employee_id}", params=query, timeout=TIMEOUT)
        answer.raise_for_status()
        found: dict[str, JsonValue] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        log.warning("personal_data.missing", asked=service, error=type(error).__name__)
        return None
    return found
