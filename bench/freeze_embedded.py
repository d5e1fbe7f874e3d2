"""From the webhook accepted to the access check denied, embedded, against the same statements run bare."""

import tempfile
from pathlib import Path

from bench.departures import embedded, leavers
from bench.rows import Row, ms, p50, p99
from services.cli.running import run_serving

LEAVERS, WARM = 80, 10


async def measure(folder: Path) -> Row:
    ours, theirs = [], []
    async with embedded(folder, "bench_embedded", LEAVERS) as (holdfast, bare):
        for leaver in leavers(LEAVERS):
            took, way = await holdfast.depart(leaver)
            ours.append(took)
            theirs.append(await bare.follow(way))
    ours, theirs = ours[WARM:], theirs[WARM:]
    statements = sum(len(step.statements) for step in way.steps)
    return Row(
        figure="webhook accepted → denied, embedded, p50",
        value=f"{ms(p50(ours))} (p99 {ms(p99(ours))})",
        against=f"the same statements bare, one connection each: {ms(p50(theirs))} (p99 {ms(p99(theirs))})",
        ratio=round(p50(ours) / p50(theirs), 2),
        aim="≤ 2",
        note=f"{len(ours)} departures; from the webhook's commit to the first journaled check that refuses; "
        f"{statements} statements in {len(way.steps)} transactions",
    )


def main() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        return [run_serving(measure(Path(folder)))]


if __name__ == "__main__":
    print(main())
