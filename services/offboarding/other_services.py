"""What offboarding reads from the other services: ids and figures, streamed as NDJSON, asked as `service`."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx

REQUEST_TIMEOUT = httpx.Timeout(60, connect=5)


class ServiceUnreachable(Exception):
    """The other service does not answer just now; asking later is the cure."""


async def fetch_portfolio(calls: httpx.AsyncClient, employee_id: str) -> list[dict[str, Any]]:
    """Clients of record: `client_id, owner_id, effort, value, regions, languages, team, known_by, scores, reads, exports`.

    Where `clients` has not been brought up to date yet there are no `scores`: then what is counted stands for them.
    """
    rows = await _fetch_lines(calls, "/clients/v1/portfolio", employee_id=employee_id)
    return [{**row, "scores": row.get("scores", row["known_by"])} for row in rows]


async def fetch_team_places(calls: httpx.AsyncClient, employee_id: str) -> list[dict[str, Any]]:
    """Places in the teams of clients: `client_id, function, owner_id`."""
    return await _fetch_lines(calls, "/clients/v1/team-places", employee_id=employee_id)


async def fetch_client_loads(calls: httpx.AsyncClient) -> list[dict[str, Any]]:
    """`employee_id, effort, clients` per acting owner."""
    return await _fetch_lines(calls, "/clients/v1/loads")


async def fetch_open_stages(calls: httpx.AsyncClient, employee_id: str) -> list[dict[str, Any]]:
    """`order_id, client_id, stage, function, effort, status, due_on, taken, apart`."""
    return await _fetch_lines(calls, "/orders/v1/open-stages", employee_id=employee_id)


async def fetch_stage_loads(calls: httpx.AsyncClient) -> list[dict[str, Any]]:
    """`employee_id, function, load` from open stages."""
    return await _fetch_lines(calls, "/orders/v1/loads")


async def fetch_sales_phase(calls: httpx.AsyncClient, employee_id: str) -> str:
    """The phase of this seller's sales curve; `unclear` for somebody who has none."""
    answer = await _request(calls, "GET", f"/orders/v1/sales-curves/{employee_id}", accept=(200, 404))
    return str(answer.json()["phase"]) if answer.status_code == 200 else "unclear"


async def fetch_figures(
    calls: httpx.AsyncClient, clients: Sequence[str], since: str, until: str
) -> list[dict[str, Any]]:
    """`client_id, revenue, orders, delivered, on_time` of up to 1,000 clients between two days."""
    body = {"client_ids": list(clients), "from": since, "until": until}
    items: list[dict[str, Any]] = (await _request(calls, "POST", "/orders/v1/figures", json=body)).json()["items"]
    return items


async def _fetch_lines(calls: httpx.AsyncClient, path: str, **query: str) -> list[dict[str, Any]]:
    parts: list[bytes] = []
    try:
        async with calls.stream("GET", path, params=query, timeout=REQUEST_TIMEOUT) as answer:
            _raise_for_status(answer, (200,))
            async for part in answer.aiter_bytes():
                parts.append(part)
    except httpx.TransportError as error:
        raise ServiceUnreachable(type(error).__name__) from error
    # A large portfolio is megabytes of lines: the event loop must not stand still for them.
    return await asyncio.to_thread(lambda: [json.loads(line) for line in b"".join(parts).splitlines() if line])


async def _request(
    calls: httpx.AsyncClient, method: str, path: str, accept: tuple[int, ...] = (200,), **request: Any
) -> Any:
    try:
        answer = await calls.request(method, path, timeout=REQUEST_TIMEOUT, **request)
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
