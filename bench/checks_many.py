"""`POST /access/checks` of 1,000 questions against 1,000 calls of `POST /access/check`, one after the other; through the door."""

from datetime import UTC, datetime
from itertools import islice
from typing import Any

import httpx
from joserfc.jwk import OKPKey

from bench import company
from bench.rows import Row, migrated, ms, p50
from bench.timing import in_turn
from services import wiring
from services.cli.running import run_serving
from shared.auth import TokenKeys
from shared.settings import Settings

CLIENTS, MANY = 100_000, 1_000
ROUNDS = 8
PATH = "/clients/v1/access"


async def measure() -> Row:
    url = await migrated("clients", "bench_checks_many")
    await company.make(url, CLIENTS)
    key = OKPKey.generate_key("Ed25519")
    embedded = wiring.embed(Settings(), {"clients": url}, key, clock=lambda: datetime.now(UTC))
    runtime = embedded.runtimes["clients"]
    assert runtime.service.open is not None
    await runtime.service.open(runtime)
    headers = {"Authorization": f"Bearer {TokenKeys(local=key).token('crm', ['service'], 3600)}"}
    transport = httpx.ASGITransport(embedded.front.apps["clients"])
    questions = company.questions(CLIENTS)

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

        ours, theirs = await in_turn([together, singly], ROUNDS)
    await wiring.close(embedded.runtimes.values())
    return Row(
        figure=f"POST /access/checks of {MANY:,}, one snapshot, one leaf",
        value=ms(p50(ours)),
        against=f"{MANY:,} POST /access/check, one after the other: {ms(p50(theirs))}",
        ratio=round(p50(ours) / p50(theirs), 3),
        aim="≤ 0.1",
        note=f"{CLIENTS:,} clients; client and service in one process, without a network between them",
    )


def main() -> list[Row]:
    return [run_serving(measure())]


if __name__ == "__main__":
    print(main())
