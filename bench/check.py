"""An access check inside the service, one client at a time, against asyncpg's `SELECT 1`: the decision alone.

What decides is the service's own batcher, connection and statement; only the journal row, which needs a commit, is
left out here: `check_journaled` has it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from bench.company import draw_questions, fill_company
from bench.figures import FigureRow, create_service_database, format_percentiles, p50
from bench.timing import time_in_turn
from services.clients.access.store.checks import CHECK_ONE_SQL, CheckBatcher
from services.clients.access.store.connection import PreparedConnection
from services.clients.access.store.decision import DECISION_SQL

CLIENTS = 100_000
ROUNDS, CALLS = 40, 100


def strip_journal_insert(sql: str) -> str:
    """The statement as a plain read: the same question, decision and answer."""
    asked, _, insert = sql.partition("INSERT INTO")
    decided = f"FROM ({DECISION_SQL}) d"
    where, _, answer = insert[insert.index(decided) :].rpartition("RETURNING")
    return f"{asked} SELECT {answer} {where}"


DECIDE_SQL = strip_journal_insert(CHECK_ONE_SQL)


class UnjournaledConnection(PreparedConnection):
    """A connection that leaves out the journal row."""

    async def fetch(self, sql: str, *args: Any) -> Sequence[Any]:
        return await super().fetch(DECIDE_SQL if sql == CHECK_ONE_SQL else sql, *args)


def open_batcher(connection: type[PreparedConnection], url: str) -> CheckBatcher:
    """As the service opens it."""
    return CheckBatcher(connection(url), connection(url), connection(url), lambda: datetime.now(UTC), "UTC")


async def measure() -> list[FigureRow]:
    url = await create_service_database("clients", "bench_check")
    await fill_company(url, CLIENTS)
    deciding, peer = open_batcher(UnjournaledConnection, url), await asyncpg.connect(url)
    asked = draw_questions(CLIENTS)
    ours, theirs = await time_in_turn(
        [lambda: deciding.check(next(asked)), lambda: peer.fetchval("SELECT 1")], ROUNDS, CALLS
    )
    deciding.close()
    await peer.close()
    return [
        FigureRow(
            figure="access check inside the service, one client",
            value=format_percentiles(ours),
            against=f"asyncpg SELECT 1: {format_percentiles(theirs)}",
            ratio=round(p50(ours) / p50(theirs), 2),
            aim="≤ 2.0",
            note=f"{CLIENTS:,} clients; the decision without its journal row, by the service's batcher and connection",
        )
    ]
