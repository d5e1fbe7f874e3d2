"""Every story is told three ways: once; with every message delivered twice; with a crash after each commit in turn.

A crash after each single commit would tell a story a few hundred times. Instead the commits of the story told once are
dealt out to `EVERY` tellings, each of which crashes after all of its own: so each commit has its crash, and what follows
a crash has room to get on. Commits are known by what they are, not by number: a crash shifts all numbers after it. The
truths are looked at in each step, and the ending must be the one of the story told once.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import pytest
from fastapi import FastAPI

from tests.stories import company
from tests.stories.company import create_template_databases, start_clock
from tests.stories.crash_points import CrashingHouse, Point
from tests.stories.final_state import read_final_state
from tests.stories.truths import TruthChecker

EVERY = 5

CRASHES = tuple(f"crash-{offset}" for offset in range(EVERY))

IN_SHORT = 1  # of these; each story is told in another, and those left over are long

Story = Callable[["WatchedHouse"], Awaitable[None]]


@dataclass(frozen=True)
class StoryRun:
    """How a story went: its ending, what each of its commits was, and what had a crash after it."""

    ending: Mapping[str, Any]
    commits: Sequence[frozenset[Point]]
    crashed_after: frozenset[Point]


_stories: dict[Any, tuple[Story, Mapping[str, Any]]] = {}  # by test

_tellings: dict[tuple[Any, str], StoryRun] = {}


class WatchedHouse(CrashingHouse):
    """A house in which the truths are looked at all the time."""

    apps: dict[str, FastAPI] | None = {}
    truths: TruthChecker | None = None

    async def _round(self, awake: bool) -> bool:
        worked = await super()._round(awake)
        if worked and self.truths is not None:
            await self.truths.look(self)
        return worked

    async def restart(self) -> None:
        await super().restart()
        if self.truths is not None:
            await self.truths.look(self)

    async def settle(self) -> None:
        await super().settle()
        if self.truths is not None:
            await self.truths.examine(self)


@asynccontextmanager
async def start_house(kind: type[WatchedHouse] = WatchedHouse, **how: Any) -> AsyncIterator[WatchedHouse]:
    """The company on the morning of the story."""
    async with kind.start(**{"templates": await create_template_databases(), **company.SETTINGS, **how}) as house:
        start_clock(house)
        house.truths = TruthChecker()
        await house.truths.look(house)
        yield house


async def run_story(story: Story, way: str, points: Set[Point], **settings: Any) -> StoryRun:
    """Tells the story this way, with a crash after each of these points."""
    async with start_house(twice=way == "twice", **settings) as house:
        house.crash_after(points)
        await story(house)
        await house.settle()
        # The first of each kind came: a later one need not, for what took two batches may take one after a crash.
        missed = {point for point in points if point[1] == 1} - house.crashed_after
        assert not missed, f"no crash after {sorted(missed)}"
        return StoryRun(await read_final_state(house), house.noted, frozenset(house.crashed_after))


async def run_test_story(test: Any, way: str) -> StoryRun:
    """How the story of this test went this way; it is told if nobody has asked yet."""
    if (test, way) not in _tellings:
        story, settings = _stories[test]
        points = (
            choose_crash_points(await run_test_story(test, "once"), int(way[-1]))
            if way.startswith("crash")
            else frozenset()
        )
        _tellings[test, way] = await run_story(story, way, points, **settings)
    return _tellings[test, way]


def choose_crash_points(once: StoryRun, offset: int) -> frozenset[Point]:
    """Every `EVERY`-th commit of the story told once."""
    return frozenset().union(*once.commits[offset::EVERY])


def ways_of(story: str) -> list[Any]:
    """Once, twice, and with a crash after each of its commits: by lots, of which all but a few are long."""
    first = crc32(story.encode())
    turned = [CRASHES[(first + number) % EVERY] for number in range(EVERY)]
    long = [pytest.param(way, marks=pytest.mark.long) for way in turned[IN_SHORT:]]
    return ["once", "twice", *turned[:IN_SHORT], *long]


def run_three_ways(**settings: Any) -> Callable[[Story], Any]:
    """Makes a story a test for each way; `settings` are those of the house."""

    def of(story: Story) -> Any:
        @pytest.mark.parametrize("way", ways_of(story.__name__))
        async def test(way: str) -> None:
            once, again = (await run_test_story(test, "once")).ending, (await run_test_story(test, way)).ending
            other = {table: (once[table], rows) for table, rows in again.items() if rows != once[table]}
            assert not other, f"another ending (once, {way}): {other}"

        test.__name__, test.__module__, test.__doc__ = story.__name__, story.__module__, story.__doc__
        _stories[test] = story, settings
        return test

    return of
