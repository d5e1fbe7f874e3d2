"""The access check in a large company against the same in a small one, journaled and durable as it is served.

Large: 1,000,000 clients, 100,000 employees, 10,000,000 entries in the journal. Small: 10,000 clients, 1,000 employees, none.
"""

from bench.check import open_batcher
from bench.company import draw_questions, fill_company, fill_journal
from bench.figures import FigureRow, create_service_database, format_ms, p50
from bench.timing import time_in_turn
from services.clients.access.store.connection import PreparedConnection

SMALL, LARGE = (10_000, 1_000, 0), (1_000_000, 100_000, 10_000_000)  # clients, employees, entries
ROUNDS, CALLS = 40, 100
Size = tuple[int, int, int]


async def measure(small: Size = SMALL, large: Size = LARGE) -> list[FigureRow]:
    acts, batchers = [], []
    for clients, employees, entries in (large, small):
        url = await create_service_database("clients", f"bench_check_{clients}")
        await fill_company(url, clients, employees)
        if entries:
            await fill_journal(url, entries, clients, employees)
        batcher = open_batcher(PreparedConnection, url)
        asked = draw_questions(clients, employees)
        batchers.append(batcher)
        acts.append(lambda batcher=batcher, asked=asked: batcher.check(next(asked)))
    of_large, of_small = await time_in_turn(acts, ROUNDS, CALLS)
    for batcher in batchers:
        batcher.close()
    return [
        FigureRow(
            figure=f"access check, journaled, at {large[0]:,} clients, {large[1]:,} employees, {large[2]:,} entries, p50",
            value=format_ms(p50(of_large)),
            against=f"at {small[0]:,} clients, {small[1]:,} employees: {format_ms(p50(of_small))}",
            ratio=round(p50(of_large) / p50(of_small), 2),
            aim="≤ 1.3",
            note="clients drawn at random, so that caches help neither much",
        )
    ]
