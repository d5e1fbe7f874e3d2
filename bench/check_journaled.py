"""An access check inside the service with its journal row durable, against an INSERT of one row with its commit."""

import asyncpg

from bench.check import CLIENTS, open_batcher
from bench.company import draw_questions, fill_company
from bench.figures import FigureRow, create_service_database, format_percentiles, p50
from bench.timing import time_in_turn
from services.clients.access.store.connection import PreparedConnection

ROUNDS, CALLS = 40, 50
FLOOR_SQL = """
    CREATE TABLE floor (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, leaf uuid, at timestamptz, kind text,
                        actor uuid, employee uuid, client uuid, action text, allowed boolean, reason text)
"""
INSERT_SQL = """
    INSERT INTO floor (leaf, at, kind, actor, employee, client, action, allowed, reason)
    VALUES (gen_random_uuid(), now(), 'access.checked', $1, $1, $1, 'read', true, 'owner')
"""


async def measure() -> list[FigureRow]:
    url = await create_service_database("clients", "bench_check_journaled")
    await fill_company(url, CLIENTS)
    journaling, peer = open_batcher(PreparedConnection, url), await asyncpg.connect(url)
    await peer.execute(FLOOR_SQL)
    someone = await peer.fetchval("SELECT surrogate FROM surrogates LIMIT 1")
    asked = draw_questions(CLIENTS)
    ours, theirs = await time_in_turn(
        [lambda: journaling.check(next(asked)), lambda: peer.execute(INSERT_SQL, someone)], ROUNDS, CALLS
    )
    journaling.close()
    await peer.close()
    return [
        FigureRow(
            figure="access check with its journal row durable, one client",
            value=format_percentiles(ours),
            against=f"asyncpg INSERT of one row + commit: {format_percentiles(theirs)}",
            ratio=round(p50(ours) / p50(theirs), 2),
            aim="≤ 1.5",
            note="the row of the peer has the journal's columns and no index but its key; ours has all of the journal's",
        )
    ]
