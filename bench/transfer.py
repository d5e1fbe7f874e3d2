"""A transfer of 100,000 clients by the handler, in its chunks of 1,000, each with history, counts, journal and event and
committed by itself, against one set-based UPDATE of the same rows in the same table of 1,000,000."""

import time
from functools import partial
from statistics import median

import asyncpg

from bench.company import clients_sql, people_sql, run_statements, vacuum_tables
from bench.embedded import open_clients
from bench.figures import FigureRow, create_service_database
from bench.timing import time_call
from services.clients.transfers.handlers import CHUNK_SIZE, transfer_clients_by_hand, transfer_in_chunks
from shared.service import Runtime

CLIENTS, MOVED = 1_000_000, 100_000
ROUNDS = 5
UPDATE_SQL = "UPDATE clients SET owner_id = $2, version = version + 1 WHERE owner_id = $1"


async def time_transfer(runtime: Runtime, items: list[tuple[str, str, str]]) -> float:
    """Seconds that it takes to move them."""
    begun = time.perf_counter()
    done = await transfer_in_chunks(
        items,
        lambda chunk: runtime.transact_as(
            "e-0", lambda work: transfer_clients_by_hand(work, chunk, "a new cut of the territory", True)
        ),
    )
    assert all(item.outcome == "done" for item in done)
    return time.perf_counter() - begun


async def measure() -> list[FigureRow]:
    url = await create_service_database("clients", "bench_transfer")
    owned = clients_sql("'e-' || (CASE WHEN n % 10 = 0 THEN 990 ELSE n % 900 END)", 0, CLIENTS)
    await run_statements(url, people_sql(), owned)
    peer = await asyncpg.connect(url)
    moved = [f"c-{n}" for n in range(0, CLIENTS, CLIENTS // MOVED)]
    ours, theirs = [], []
    async with open_clients(url) as (runtime, _):
        for turn in range(ROUNDS):
            first, second, third = (f"e-{990 + (2 * turn + step) % 10}" for step in range(3))
            await vacuum_tables(peer)
            ours.append(await time_transfer(runtime, [(client, first, second) for client in moved]))
            await vacuum_tables(peer)
            theirs.append(await time_call(partial(peer.execute, UPDATE_SQL, second, third, timeout=600)))
    events = await peer.fetchval("SELECT count(*) FROM outbox")
    assert events == ROUNDS * MOVED / CHUNK_SIZE, events
    await peer.close()
    return [
        FigureRow(
            figure=f"transfer of {MOVED:,} clients with history and events",
            value=f"{median(ours):.2f} s",
            against=f"one UPDATE of the same rows: {median(theirs):.2f} s",
            ratio=round(median(ours) / median(theirs), 2),
            aim="≤ 2.0",
            note="of {:,}; ours {}, theirs {} s".format(
                CLIENTS, *(f"{min(times):.2f} to {max(times):.2f}" for times in (ours, theirs))
            ),
        )
    ]
