"""The access check at 1,000,000 clients against the same at 10,000, the decision alone as in `check`."""

from bench import company
from bench.check import Deciding, gatherer
from bench.rows import Row, migrated, ms, p50
from bench.timing import in_turn
from services.cli.running import run_serving

SMALL, LARGE = 10_000, 1_000_000
ROUNDS, CALLS = 40, 100


async def measure() -> Row:
    acts, gatherers = [], []
    for clients in (LARGE, SMALL):
        url = await migrated("clients", f"bench_check_{clients}")
        await company.make(url, clients)
        deciding, asked = gatherer(Deciding, url), company.questions(clients)
        gatherers.append(deciding)
        acts.append(lambda deciding=deciding, asked=asked: deciding.check(next(asked)))
    large, small = await in_turn(acts, ROUNDS, CALLS)
    for deciding in gatherers:
        deciding.close()
    return Row(
        figure=f"access check at {LARGE:,} clients, p50",
        value=ms(p50(large)),
        against=f"the same at {SMALL:,}: {ms(p50(small))}",
        ratio=round(p50(large) / p50(small), 2),
        aim="≤ 1.3",
        note=f"{company.EMPLOYEES:,} employees in both; clients drawn at random, so that caches help neither much",
    )


def main() -> list[Row]:
    return [run_serving(measure())]


if __name__ == "__main__":
    print(main())
