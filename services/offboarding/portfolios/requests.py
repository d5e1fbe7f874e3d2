"""What offboarding reads from the other services: ids and figures, streamed as NDJSON, asked as `service`."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter

from services.offboarding.portfolios.rules import ClientFigures, Load, OpenStage, PortfolioClient, TeamPlace

PORTFOLIO_CLIENT = TypeAdapter(PortfolioClient)
TEAM_PLACE = TypeAdapter(TeamPlace)
OPEN_STAGE = TypeAdapter(OpenStage)
FIGURES = TypeAdapter(ClientFigures)
REQUEST_TIMEOUT = httpx.Timeout(60, connect=5)

T = TypeVar("T")


class ServiceUnreachable(Exception):
    """The other service does not answer just now; asking later is the cure."""


async def fetch_portfolio(calls: httpx.AsyncClient, employee_id: str) -> list[PortfolioClient]:
    """Clients of record."""
    return await _fetch_lines(calls, "/clients/v1/portfolio", PORTFOLIO_CLIENT.validate_python, employee_id=employee_id)


async def fetch_team_places(calls: httpx.AsyncClient, employee_id: str) -> list[TeamPlace]:
    return await _fetch_lines(calls, "/clients/v1/team-places", TEAM_PLACE.validate_python, employee_id=employee_id)


async def fetch_client_loads(calls: httpx.AsyncClient) -> list[Load]:
    """What clients weigh on their acting owners."""
    return await _fetch_lines(
        calls, "/clients/v1/loads", lambda line: Load(line["employee_id"], "sales", float(line["effort"]))
    )


async def fetch_open_stages(calls: httpx.AsyncClient, employee_id: str) -> list[OpenStage]:
    return await _fetch_lines(calls, "/orders/v1/open-stages", OPEN_STAGE.validate_python, employee_id=employee_id)


async def fetch_stage_loads(calls: httpx.AsyncClient) -> list[Load]:
    """What open stages weigh on who does them."""
    return await _fetch_lines(
        calls, "/orders/v1/loads", lambda line: Load(line["employee_id"], line["function"], float(line["load"]))
    )


async def fetch_sales_phase(calls: httpx.AsyncClient, employee_id: str) -> str:
    """The phase of this seller's sales curve; `unclear` for somebody who has none."""
    answer = await _request(calls, "GET", f"/orders/v1/sales-curves/{employee_id}", accept=(200, 404))
    return str(answer.json()["phase"]) if answer.status_code == 200 else "unclear"


async def fetch_order_figures(
    calls: httpx.AsyncClient, client_ids: Sequence[str], since: date, until: date
) -> list[ClientFigures]:
    """Of up to 1,000 clients between two days."""
    body = {"client_ids": list(client_ids), "from": since.isoformat(), "until": until.isoformat()}
    answer = await _request(calls, "POST", "/orders/v1/figures", json=body)
    return [FIGURES.validate_python(item) for item in answer.json()["items"]]


async def _fetch_lines(
    calls: httpx.AsyncClient, path: str, read: Callable[[Mapping[str, Any]], T], **query: str
) -> list[T]:
    parts: list[bytes] = []
    try:
        async with calls.stream("GET", path, params=query, timeout=REQUEST_TIMEOUT) as answer:
            _raise_for_status(answer, (200,))
            async for part in answer.aiter_bytes():
                parts.append(part)
    except httpx.TransportError as error:
        raise ServiceUnreachable(type(error).__name__) from error
    # A large portfolio is megabytes of lines: the event loop must not stand still for them.
    return await asyncio.to_thread(lambda: [read(json.loads(line)) for line in b"".join(parts).splitlines() if line])


async def _request(
    calls: httpx.AsyncClient,
    method: str,
    path: str,
    accept: tuple[int, ...] = (200,),
    json: Mapping[str, Any] | None = None,
) -> httpx.Response:
    try:
        answer = await calls.request(method, path, timeout=REQUEST_TIMEOUT, json=json)
    except httpx.TransportError as error:
        raise ServiceUnreachable(type(error).__name__) from error
    _raise_for_status(answer, accept)
    return answer


def _raise_for_status(answer: httpx.Response, accept: tuple[int, ...]) -> None:
    if answer.status_code in accept:
        return
    if answer.status_code >= 500 or answer.status_code == 429:
        raise ServiceUnreachable(str(answer.status_code))
    raise RuntimeError(f"{answer.url.path} answered {answer.status_code}")
