"""`GET /access/clients` of somebody with 100,000 clients and of somebody with 1,000: one statement, through the door."""

from bench.company import clients_sql, people_sql, run_statements
from bench.embedded import open_clients_door
from bench.figures import FigureRow, create_service_database, format_ms, p50
from bench.timing import time_in_turn

SMALL, LARGE = 1_000, 100_000
ROUNDS = 10
SELECT_SQL = "SELECT client_id FROM clients WHERE owner_id = $1 ORDER BY client_id"


async def measure() -> list[FigureRow]:
    url = await create_service_database("clients", "bench_sets")
    owners = f"CASE WHEN n < {SMALL} THEN 'e-50' WHEN n < {SMALL + LARGE} THEN 'e-60' ELSE 'e-' || n % 900 + 100 END"
    await run_statements(url, people_sql(), clients_sql(owners, 0, SMALL + LARGE + 10_000))
    async with open_clients_door(url) as (runtime, http):

        async def ask(employee_id: str, wanted: int) -> None:
            query: dict[str, str | int] = {"employee_id": employee_id, "action": "list", "limit": LARGE}
            answer = await http.get("/clients/v1/access/clients", params=query, timeout=60)
            found = len(answer.raise_for_status().json()["items"])
            if found < wanted:
                raise RuntimeError(f"{found} clients instead of {wanted}")

        async def peer() -> None:
            async with runtime.database.connect() as connection:
                await connection.fetch(SELECT_SQL, "e-60")

        small, large, theirs = await time_in_turn(
            [lambda: ask("e-50", SMALL), lambda: ask("e-60", LARGE), peer], ROUNDS
        )
    return [
        FigureRow(
            figure=f"GET /access/clients, {LARGE:,} clients in one answer, journaled",
            value=f"{format_ms(p50(large))}; of {SMALL:,} {format_ms(p50(small))}",
            against=f"asyncpg SELECT of the {LARGE:,} ids: {format_ms(p50(theirs))}",
            ratio=round(p50(large) / p50(theirs), 2),
            aim="< 2 s",
            note=f"median of {ROUNDS}; client, JSON and journal in one process and one statement",
        )
    ]
