"""Every story is told three ways: once; with every message delivered twice; with a crash after each commit in turn.

A crash after each single commit would tell a story a few hundred times. Instead it is told `EVERY` times, crashing
after every `EVERY`-th commit, each time from another one on: so each commit has its crash, and what follows a crash has
room to get on. The truths are looked at in each step, and the ending must be the one of the story told once.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI

from tests.stories import company
from tests.stories.ending import ending
from tests.stories.truths import Truths
from tests.support.house import House

EVERY = 6  # commits; more than any job needs from its lease to its end
WAYS = ("once", "twice", *(f"crash-{offset}" for offset in range(EVERY)))
Story = Callable[["Watched"], Awaitable[None]]

_endings: dict[str, Any] = {}


class Watched(House):
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
    async def aside(self) -> AsyncIterator[None]:
        """What happens here belongs to the looking, not to the story: it crashes nothing."""
        crashes, commits = self.crashes, self.commits
        self.crashes = lambda commit: False
        try:
            yield
        finally:
            self.crashes, self.commits = crashes, commits


@asynccontextmanager
async def told(**how: Any) -> AsyncIterator[Watched]:
    """The company on the morning of the story."""
    async with Watched.start(templates=await company.templates(), **{**company.SETTINGS, **how}) as house:
        company.wake(house)
        house.truths = Truths()
        await house.truths.look(house)
        yield house


async def tell(story: Story, way: str, **settings: Any) -> Any:
    """Tells the story this way; its ending."""
    kind, _, offset = way.partition("-")
    crashes = (lambda commit: commit % EVERY == int(offset)) if offset else None
    async with told(twice=kind == "twice", crashes=crashes, **settings) as house:
        await story(house)
        await house.settle()
        assert house.crashed or not crashes, "nothing crashed"
        return await ending(house)


def three_ways(**settings: Any) -> Callable[[Story], Any]:
    """Makes a story a test for each way; `settings` are those of the house."""

    def of(story: Story) -> Any:
        name = f"{story.__module__}.{story.__name__}"

        @pytest.mark.parametrize("way", WAYS)
        async def test(way: str) -> None:
            if name not in _endings:
                _endings[name] = await tell(story, "once", **settings)
            if way != "once":
                once, again = _endings[name], await tell(story, way, **settings)
                other = {table: (once[table], rows) for table, rows in again.items() if rows != once[table]}
                assert not other, f"another ending (once, {way}): {other}"

        test.__name__, test.__module__, test.__doc__ = story.__name__, story.__module__, story.__doc__
        return test

    return of
