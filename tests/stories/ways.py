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
from tests.stories.commits import Noted, Point
from tests.stories.ending import ending
from tests.stories.truths import Truths

EVERY = 5
CRASHES = tuple(f"crash-{offset}" for offset in range(EVERY))
IN_SHORT = 2  # of these; each story is told in others, and those left over are long
Story = Callable[["Watched"], Awaitable[None]]


@dataclass(frozen=True)
class Telling:
    """How a story went: its ending, what each of its commits was, and what had a crash after it."""

    ending: Mapping[str, Any]
    commits: Sequence[frozenset[Point]]
    crashed_after: frozenset[Point]


_stories: dict[Any, tuple[Story, Mapping[str, Any]]] = {}  # by test
_tellings: dict[tuple[Any, str], Telling] = {}


class Watched(Noted):
    """A house in which the truths are looked at all the time."""

    apps: dict[str, FastAPI] | None = {}
    truths: Truths | None = None

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
async def told(kind: type[Watched] = Watched, **how: Any) -> AsyncIterator[Watched]:
    """The company on the morning of the story."""
    async with kind.start(**{"templates": await company.templates(), **company.SETTINGS, **how}) as house:
        company.wake(house)
        house.truths = Truths()
        await house.truths.look(house)
        yield house


async def tell(story: Story, way: str, points: Set[Point], **settings: Any) -> Telling:
    """Tells the story this way, with a crash after each of these points."""
    async with told(twice=way == "twice", **settings) as house:
        house.crash_after(points)
        await story(house)
        await house.settle()
        # The first of each kind came: a later one need not, for what took two batches may take one after a crash.
        missed = {point for point in points if point[1] == 1} - house.crashed_after
        assert not missed, f"no crash after {sorted(missed)}"
        return Telling(await ending(house), house.noted, frozenset(house.crashed_after))


async def telling(test: Any, way: str) -> Telling:
    """How the story of this test went this way; it is told if nobody has asked yet."""
    if (test, way) not in _tellings:
        story, settings = _stories[test]
        points = points_of(await telling(test, "once"), int(way[-1])) if way.startswith("crash") else frozenset()
        _tellings[test, way] = await tell(story, way, points, **settings)
    return _tellings[test, way]


def points_of(once: Telling, offset: int) -> frozenset[Point]:
    """Every `EVERY`-th commit of the story told once."""
    return frozenset().union(*once.commits[offset::EVERY])


def ways_of(story: str) -> list[Any]:
    """Once, twice, and with a crash after each of its commits: by lots, of which all but a few are long."""
    first = crc32(story.encode())
    turned = [CRASHES[(first + number) % EVERY] for number in range(EVERY)]
    long = [pytest.param(way, marks=pytest.mark.long) for way in turned[IN_SHORT:]]
    return ["once", "twice", *turned[:IN_SHORT], *long]


def three_ways(**settings: Any) -> Callable[[Story], Any]:
    """Makes a story a test for each way; `settings` are those of the house."""

    def of(story: Story) -> Any:
        @pytest.mark.parametrize("way", ways_of(story.__name__))
        async def test(way: str) -> None:
            once, again = (await telling(test, "once")).ending, (await telling(test, way)).ending
            other = {table: (once[table], rows) for table, rows in again.items() if rows != once[table]}
            assert not other, f"another ending (once, {way}): {other}"

        test.__name__, test.__module__, test.__doc__ = story.__name__, story.__module__, story.__doc__
        _stories[test] = story, settings
        return test

    return of
