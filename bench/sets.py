"""`GET /access/clients` of somebody with 100,000 clients and of somebody with 1,000: one statement, through the door."""

from datetime import UTC, datetime

import httpx
from joserfc.jwk import OKPKey

from bench import company
from bench.rows import Row, migrated, ms, p50
from bench.timing import in_turn
from services import wiring
from services.cli.running import run_serving
from shared.auth import TokenKeys
from shared.settings import Settings

SMALL, LARGE = 1_000, 100_000
ROUNDS = 10
SELECT = "SELECT client_id FROM clients WHERE owner_id = $1 ORDER BY client_id"


async def measure() -> Row:
    url = await migrated("clients", "bench_sets")
    owners = f"CASE WHEN n < {SMALL} THEN 'e-50' WHEN n < {SMALL + LARGE} THEN 'e-60' ELSE 'e-' || n % 900 + 100 END"
    await company.load(url, company.people(), company.give(owners, 0, SMALL + LARGE + 10_000))
    key = OKPKey.generate_key("Ed25519")
    embedded = wiring.embed(Settings(), {"clients": url}, key, clock=lambda: datetime.now(UTC))
    runtime = embedded.runtimes["clients"]
    headers = {"Authorization": f"Bearer {TokenKeys(local=key).token('crm', ['service'], 3600)}"}
    transport = httpx.ASGITransport(embedded.front.apps["clients"])
    async with httpx.AsyncClient(transport=transport, base_url="http://bench", headers=headers) as http:

        async def ask(employee_id: str, wanted: int) -> None:
            query = {"employee_id": employee_id, "action": "list", "limit": LARGE}
            answer = await http.get("/clients/v1/access/clients", params=query, timeout=60)
            found = len(answer.raise_for_status().json()["items"])
            if found < wanted:
                raise RuntimeError(f"{found} clients instead of {wanted}")

        async def peer() -> None:
            async with runtime.database.connect() as connection:
                await connection.fetch(SELECT, "e-60")

        small, large, theirs = await in_turn([lambda: ask("e-50", SMALL), lambda: ask("e-60", LARGE), peer], ROUNDS)
    await wiring.close(embedded.runtimes.values())
    return Row(
        figure=f"GET /access/clients, {LARGE:,} clients in one answer, journaled",
        value=f"{ms(p50(large))}; of {SMALL:,} {ms(p50(small))}",
        against=f"asyncpg SELECT of the {LARGE:,} ids: {ms(p50(theirs))}",
        ratio=round(p50(large) / p50(theirs), 2),
        aim="< 2 s",
        note=f"median of {ROUNDS}; client, JSON and journal in one process and one statement",
    )


def main() -> list[Row]:
    return [run_serving(measure())]


if __name__ == "__main__":
    print(main())
