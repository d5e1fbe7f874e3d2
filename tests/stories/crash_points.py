"""What each commit of a story was, in words that stay the same when a crash has shifted the numbers of all that follow."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Set
from contextlib import asynccontextmanager
from typing import Any

from tests.support.house import Crash, House

Point = tuple[str, int]  # the commit of this kind that is the nth of it since the start

ID = re.compile(r"/[0-9a-f-]{36}|\?.*")  # of a path; only what makes the same door look like another

# A commit with one of these statements is more than the act in which it happens.
PARTS: Mapping[str, str] = {
    "INSERT INTO deliveries": "delivered",  # by the relay of whoever is `doing` it, which marks it in another commit
    "UPDATE outbox SET published_at": "marked as sent",
    "SET status = 'running', holder": "job taken",
    "UPDATE jobs SET status = 'done'": "job done",
}


def list_commit_kinds(service: str, doing: Collection[str], statements: Iterable[str]) -> frozenset[str]:
    """The kinds of a commit: one for each type in a batch of messages; none where nothing was written."""
    text = "\n".join(statements)
    if not text:
        return frozenset()
    part = next((f", {name}" for statement, name in PARTS.items() if statement in text), "")
    return frozenset(f"{service}: {ID.sub('', act)}{part}" for act in doing)


class CrashingHouse(House):
    """Notes for each commit its points, and after which there was a crash."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.noted: list[frozenset[Point]] = []
        self.crashed_after: set[Point] = set()
        self._times: Counter[str] = Counter()

    def crash_after(self, points: Set[Point]) -> None:
        """From now on."""
        self.crashes = lambda commit: not points.isdisjoint(self.noted[-1])

    def _committed(self, service: str) -> None:
        kinds = list_commit_kinds(service, self.doing, self.wrote.get(service, ()))
        if kinds:
            self._times.update(kinds)
            self.noted.append(frozenset((kind, self._times[kind]) for kind in kinds))
        try:
            super()._committed(service)
        except Crash:
            self.crashed_after |= self.noted[-1]
            raise

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[None]:
        """What happens here belongs to the looking, not to the story: it crashes nothing, and is not noted."""
        before = self.crashes, self.commits, list(self.noted), self._times.copy()
        self.crashes = lambda commit: False
        try:
            yield
        finally:
            self.crashes, self.commits, self.noted, self._times = before
