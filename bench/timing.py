"""Two things measured against each other: in turn, a few calls each, so that both meet the same weather."""

import time
from collections.abc import Awaitable, Callable, Sequence

TimedCall = Callable[[], Awaitable[object]]


async def time_call(act: TimedCall) -> float:
    """Wall time of one call."""
    begun = time.perf_counter()
    await act()
    return time.perf_counter() - begun


async def time_in_turn(acts: Sequence[TimedCall], rounds: int, calls: int = 1) -> list[list[float]]:
    """Wall times of `rounds × calls` calls of each act, `calls` at a stretch; one more stretch before is not counted."""
    taken: list[list[float]] = [[] for _ in acts]
    for act in acts:
        for _ in range(calls):
            await act()
    for _ in range(rounds):
        for act, times in zip(acts, taken, strict=True):
            times += [await time_call(act) for _ in range(calls)]
    return taken
