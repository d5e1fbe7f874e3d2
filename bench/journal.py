"""The journal: bytes per decision on the disk, and how many leaves a second the sequencer appends.

The floor of the sequencer is one statement that moves the same rows into a table without indexes.
"""

import time

import asyncpg

from bench.company import fill_company, vacuum_tables
from bench.embedded import open_clients
from bench.figures import FigureRow, create_service_database
from services.clients.journal.handlers import append_pending_entries

DECISIONS, CLIENTS = 200_000, 10_000
# As checks write them.
WRITE_SQL = """
    INSERT INTO journal_pending (leaf, at, kind, actor, employee, client, action, reason, system)
    SELECT gen_random_uuid(), now(), 'access.checked', (SELECT surrogate FROM surrogates LIMIT 1),
           (SELECT surrogate FROM surrogates WHERE kind = 'employee' AND id = 'e-' || n % 1000), c.surrogate, 'read', 'owner',
           'crm'
    FROM generate_series(0, {decisions} - 1) n JOIN clients c ON c.client_id = 'c-' || n % {clients}
"""
SIZE_SQL = """
    SELECT (SELECT CAST(sum(pg_total_relation_size(inhrelid)) AS bigint)
            FROM pg_inherits WHERE inhparent = 'journal'::regclass) AS entries,
           pg_total_relation_size('journal_tiles') AS tiles
"""
FLOOR_SQL = """
    CREATE UNLOGGED TABLE floor (LIKE journal_pending);
    WITH taken AS (DELETE FROM journal_pending RETURNING *) INSERT INTO floor SELECT * FROM taken;
"""


async def measure(decisions: int = DECISIONS) -> list[FigureRow]:
    url = await create_service_database("clients", "bench_journal")
    await fill_company(url, CLIENTS)
    connection = await asyncpg.connect(url)
    write = WRITE_SQL.format(decisions=decisions, clients=CLIENTS)
    async with open_clients(url) as (runtime, _):
        await connection.execute(write, timeout=600)
        begun = time.perf_counter()
        while await append_pending_entries(runtime):
            pass
        took = time.perf_counter() - begun
    await vacuum_tables(connection)
    size = await connection.fetchrow(SIZE_SQL)
    await connection.execute(write, timeout=600)
    begun = time.perf_counter()
    await connection.execute(FLOOR_SQL, timeout=600)
    floor = time.perf_counter() - begun
    await connection.close()
    return [
        FigureRow(
            figure=f"the sequencer, {decisions:,} decisions",
            value=f"{decisions / took:,.0f} leaves/s",
            against=f"one statement that moves the same rows: {decisions / floor:,.0f} /s",
            ratio=round(took / floor, 2),
            aim="≥ 5,000 leaves/s",
            note="hashed, numbered, with all indexes of the journal and the tiles",
        ),
        FigureRow(
            figure="bytes per decision",
            value=f"{(size['entries'] + size['tiles']) / decisions:.0f} bytes",
            against=f"of them hashes {size['tiles'] / decisions:.0f} bytes",
            ratio=float(round((size["entries"] + size["tiles"]) / decisions)),
            aim="published",
            note="rows and indexes of the journal, and the tiles of the tree; vacuumed",
        ),
    ]
