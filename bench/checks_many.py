"""`POST /access/checks` of 1,000 questions against 1,000 calls of `POST /access/check`, one after the other; through the door."""

from itertools import islice
from typing import Any

from bench.company import draw_questions, fill_company
from bench.embedded import open_clients_door
from bench.figures import FigureRow, create_service_database, format_ms, p50
from bench.timing import time_in_turn

CLIENTS, MANY = 100_000, 1_000
ROUNDS = 8
PATH = "/clients/v1/access"


async def measure() -> list[FigureRow]:
    url = await create_service_database("clients", "bench_checks_many")
    await fill_company(url, CLIENTS)
    questions = draw_questions(CLIENTS)

    def asked() -> list[dict[str, Any]]:
        return [
            {"employee_id": one.employee_id, "client_id": one.client_id, "action": one.action}
            for one in islice(questions, MANY)
        ]

    async with open_clients_door(url) as (runtime, http):
        assert runtime.service.open is not None
        await runtime.service.open(runtime)

        async def together() -> None:
            answer = await http.post(f"{PATH}/checks", json={"checks": asked()}, timeout=60)
            if len(answer.raise_for_status().json()["results"]) != MANY:
                raise RuntimeError("not every question was answered")

        async def singly() -> None:
            for one in asked():
                (await http.post(f"{PATH}/check", json=one)).raise_for_status()

        ours, theirs = await time_in_turn([together, singly], ROUNDS)
    return [
        FigureRow(
            figure=f"POST /access/checks of {MANY:,}, one snapshot, one leaf",
            value=format_ms(p50(ours)),
            against=f"{MANY:,} POST /access/check, one after the other: {format_ms(p50(theirs))}",
            ratio=round(p50(ours) / p50(theirs), 3),
            aim="≤ 0.1",
            note=f"{CLIENTS:,} clients; client and service in one process, without a network between them",
        )
    ]
