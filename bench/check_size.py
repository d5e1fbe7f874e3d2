"""The access check in a large company against the same in a small one, journaled and durable as it is served.

Large: 1,000,000 clients, 100,000 employees, 10,000,000 entries in the journal. Small: 10,000 clients, 1,000 employees, none.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bench import company
from bench.rows import Row, migrated, ms, p50
from bench.timing import in_turn
from services.cli.running import run_serving
from services.clients.access.store.checks import CheckBatcher
from services.clients.access.store.connection import PreparedConnection

SMALL, LARGE = (10_000, 1_000, 0), (1_000_000, 100_000, 10_000_000)  # clients, employees, entries
ROUNDS, CALLS = 40, 100
Size = tuple[int, int, int]


async def measure(small: Size = SMALL, large: Size = LARGE) -> Row:
    acts, gatherers = [], []
    for clients, employees, entries in (large, small):
        url = await migrated("clients", f"bench_check_{clients}")
        await company.make(url, clients, employees)
        if entries:
            await company.remember(url, entries, clients, employees)
        gatherer = CheckBatcher(
            *(PreparedConnection(url) for _ in range(3)), lambda: datetime.now(UTC), ZoneInfo("UTC")
        )
        asked = company.questions(clients, employees)
        gatherers.append(gatherer)
        acts.append(lambda gatherer=gatherer, asked=asked: gatherer.check(next(asked)))
    of_large, of_small = await in_turn(acts, ROUNDS, CALLS)
    for gatherer in gatherers:
        gatherer.close()
    return Row(
        figure=f"access check, journaled, at {large[0]:,} clients, {large[1]:,} employees, {large[2]:,} entries, p50",
        value=ms(p50(of_large)),
        against=f"at {small[0]:,} clients, {small[1]:,} employees: {ms(p50(of_small))}",
        ratio=round(p50(of_large) / p50(of_small), 2),
        aim="≤ 1.3",
        note="clients drawn at random, so that caches help neither much",
    )


def main() -> list[Row]:
    return [run_serving(measure())]


if __name__ == "__main__":
    print(main())
