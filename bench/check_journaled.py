"""An access check inside the service with its journal row durable, against an INSERT of one row with its commit."""

import asyncpg

from bench import company
from bench.check import CLIENTS, gatherer
from bench.rows import Row, migrated, ms, p50, p99
from bench.timing import in_turn
from services.cli.running import run_serving
from services.clients.access.store.connection import PreparedConnection

ROUNDS, CALLS = 40, 50
FLOOR = """
    CREATE TABLE floor (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, leaf uuid, at timestamptz, kind text,
                        actor uuid, employee uuid, client uuid, action text, allowed boolean, reason text)
"""
INSERT = """
    INSERT INTO floor (leaf, at, kind, actor, employee, client, action, allowed, reason)
    VALUES (gen_random_uuid(), now(), 'access.checked', $1, $1, $1, 'read', true, 'owner')
"""


async def measure() -> Row:
    url = await migrated("clients", "bench_check_journaled")
    await company.make(url, CLIENTS)
    journaling, peer = gatherer(PreparedConnection, url), await asyncpg.connect(url)
    await peer.execute(FLOOR)
    someone = await peer.fetchval("SELECT surrogate FROM surrogates LIMIT 1")
    asked = company.questions(CLIENTS)
    ours, theirs = await in_turn(
        [lambda: journaling.check(next(asked)), lambda: peer.execute(INSERT, someone)], ROUNDS, CALLS
    )
    journaling.close()
    await peer.close()
    return Row(
        figure="access check with its journal row durable, one client",
        value=f"{ms(p50(ours))} (p99 {ms(p99(ours))})",
        against=f"asyncpg INSERT of one row + commit: {ms(p50(theirs))} (p99 {ms(p99(theirs))})",
        ratio=round(p50(ours) / p50(theirs), 2),
        aim="≤ 1.5",
        note="the row of the peer has the journal's columns and no index but its key; ours has all of the journal's",
    )


def main() -> list[Row]:
    return [run_serving(measure())]


if __name__ == "__main__":
    print(main())
