"""From the webhook accepted to the access check denied, embedded, against the same statements run bare."""

import tempfile
from pathlib import Path

from bench.departures import list_leaver_ids, open_recorded_system
from bench.figures import FigureRow, format_percentiles, p50

LEAVERS, WARM = 80, 10


async def measure() -> list[FigureRow]:
    ours, theirs = [], []
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        async with open_recorded_system(Path(folder), "bench_embedded", LEAVERS) as (holdfast, bare):
            for leaver in list_leaver_ids(LEAVERS):
                took, way = await holdfast.depart(leaver)
                ours.append(took)
                theirs.append(await bare.follow(way))
    ours, theirs = ours[WARM:], theirs[WARM:]
    statements = sum(len(step.statements) for step in way.steps)
    return [
        FigureRow(
            figure="webhook accepted → denied, embedded, p50",
            value=format_percentiles(ours),
            against=f"the same statements bare, one connection each: {format_percentiles(theirs)}",
            ratio=round(p50(ours) / p50(theirs), 2),
            aim="≤ 2",
            note=f"{len(ours)} departures; from the webhook's commit to the first journaled check that refuses; "
            f"{statements} statements in {len(way.steps)} transactions",
        )
    ]
