"""The doors of a Holdfast that runs as real processes, for the same company and the same hands.

Nothing there happens at the test's bidding, so a request is made again until it succeeds: with the same key, as whoever
asks would after a lost connection, and because news takes a moment to arrive everywhere.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

from shared.auth import Keys, load_key, load_keys
from shared.settings import Settings
from tests.stories.hands import cases_of, steps_of
from tests.support.house import Clock, House

PATIENCE = 60.0  # seconds: a group of consumers may need 10 to miss a member that was killed, on a laden machine more
BETWEEN = 0.1
NOT_YET = {404, 409, 422, 502, 503, 504}


class Remote(House):
    """Asks through `url` with tokens of the key in `key_file`."""

    def __init__(self, url: str, key_file: Path) -> None:
        self.clock = Clock()
        self.http = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)
        self.keys: Keys = load_keys(Settings(), load_key(key_file))

    def token(self, role: str | Sequence[str], sub: str | None = None) -> str:
        roles = [role] if isinstance(role, str) else list(role)
        return self.keys.token(sub or roles[0], roles, 3600)

    async def surviving(self, act: Callable[[], Awaitable[Any]]) -> Any:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = await act()
                if answer.status_code not in NOT_YET or time.monotonic() > deadline:
                    return answer
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(BETWEEN)

    async def settle(self) -> None:
        """Nothing to do: whoever needs what has not happened yet asks again."""

    async def until(self, look: Callable[[], Awaitable[Any]], what: str) -> Any:
        """What `look` gives once it gives something. Raises `TimeoutError`."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = await look()
            if found:
                return found
            await asyncio.sleep(BETWEEN)
        raise TimeoutError(f"not within {PATIENCE:g} s: {what}")


async def reaches(house: Remote, who: str, step: str, status: str) -> None:
    """Returns when this step of the leaver's case has this status."""

    async def is_so() -> bool:
        return bool(await cases_of(house, who)) and (await steps_of(house, who))[step] == status

    await house.until(is_so, f"{step} is {status}")
