"""`POST /access/checks` of 1,000 questions against 1,000 calls of `POST /access/check`, one after the other; through the door."""

from datetime import UTC, datetime
from itertools import islice
from typing import Any

import httpx
from joserfc.jwk import OKPKey

from bench.company import draw_questions, fill_company
from bench.figures import FigureRow, create_service_database, format_ms, p50
from bench.timing import time_in_turn
from services.cli.server import run_on_server_loop
from services.wiring import close_replicas, connect_embedded_services
from shared.auth import TokenKeys
from shared.settings import Settings

CLIENTS, MANY = 100_000, 1_000
ROUNDS = 8
PATH = "/clients/v1/access"


async def measure() -> FigureRow:
    url = await create_service_database("clients", "bench_checks_many")
    await fill_company(url, CLIENTS)
    key = OKPKey.generate_key("Ed25519")
    embedded = connect_embedded_services(Settings(), {"clients": url}, key, clock=lambda: datetime.now(UTC))
    runtime = embedded.runtimes["clients"]
    assert runtime.service.open is not None
    await runtime.service.open(runtime)
    headers = {"Authorization": f"Bearer {TokenKeys(local=key).token('crm', ['service'], 3600)}"}
    transport = httpx.ASGITransport(embedded.front.apps["clients"])
    questions = draw_questions(CLIENTS)

    def asked() -> list[dict[str, Any]]:
        return [
            {"employee_id": one.employee_id, "client_id": one.client_id, "action": one.action}
            for one in islice(questions, MANY)
        ]

    async with httpx.AsyncClient(transport=transport, base_url="http://bench", headers=headers) as http:

        async def together() -> None:
            answer = await http.post(f"{PATH}/checks", json={"checks": asked()}, timeout=60)
            if len(answer.raise_for_status().json()["results"]) != MANY:
                raise RuntimeError("not every question was answered")

        async def singly() -> None:
            for one in asked():
                (await http.post(f"{PATH}/check", json=one)).raise_for_status()

        ours, theirs = await time_in_turn([together, singly], ROUNDS)
    await close_replicas(embedded.runtimes.values())
    return FigureRow(
        figure=f"POST /access/checks of {MANY:,}, one snapshot, one leaf",
        value=format_ms(p50(ours)),
        against=f"{MANY:,} POST /access/check, one after the other: {format_ms(p50(theirs))}",
        ratio=round(p50(ours) / p50(theirs), 3),
        aim="≤ 0.1",
        note=f"{CLIENTS:,} clients; client and service in one process, without a network between them",
    )


def main() -> list[FigureRow]:
    return [run_on_server_loop(measure())]
