"""The doors of a Holdfast that runs as real processes, for the same company and the same hands.

Nothing there happens at the test's bidding, so a request is made again until it succeeds: with the same key, as whoever
asks would after a lost connection, and because news takes a moment to arrive everywhere.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from services.wiring import load_service
from shared.auth import TokenKeys, make_token_keys, read_key_file
from shared.database import bind_named, to_asyncpg_url
from shared.messages import get_commands_topic, get_events_topic
from shared.settings import SERVICES, Settings
from tests.stories.actions import get_steps, list_cases
from tests.support.days import Clock
from tests.support.house import House

PATIENCE = 60.0  # seconds: a group of consumers may need 10 to miss a member that was killed, on a laden machine more

BETWEEN = 0.1

NOT_YET = {404, 409, 422, 502, 503, 504}


class RemoteHouse(House):
    """Asks through `url` with tokens of the key in `key_file`, and reads the `databases`, where it knows them."""

    def __init__(self, url: str, key_file: Path, databases: Mapping[str, str] | None = None) -> None:
        self.names, self.urls, self.down = SERVICES, databases or {}, set()
        self.clock = Clock("UTC")
        self.http = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)
        self.keys: TokenKeys = make_token_keys(Settings(), read_key_file(key_file))

    def token(self, role: str | Sequence[str], sub: str | None = None) -> str:
        roles = [role] if isinstance(role, str) else list(role)
        return self.keys.issue_token(sub or roles[0], roles, 3600)

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

    async def rows(self, service: str, sql: str, **named: Any) -> list[dict[str, Any]]:
        connection = await asyncpg.connect(to_asyncpg_url(self.urls[service]))
        try:
            return [dict(row) for row in await connection.fetch(*bind_named(sql, **named))]
        finally:
            await connection.close()

    async def until(self, look: Callable[[], Awaitable[Any]], what: str) -> Any:
        """What `look` gives once it gives something. Raises `TimeoutError`."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = await look()
            if found:
                return found
            await asyncio.sleep(BETWEEN)
        raise TimeoutError(f"not within {PATIENCE:g} s: {what}")


async def wait_for_step(house: RemoteHouse, who: str, step: str, status: str) -> None:
    """Returns when this step of the leaver's case has this status."""

    async def is_so() -> bool:
        return bool(await list_cases(house, who)) and (await get_steps(house, who))[step] == status

    await house.until(is_so, f"{step} is {status}")


async def is_everything_received(house: RemoteHouse) -> bool:
    """Whether every message has reached everybody who hears or obeys it."""
    outboxes = {name: await house.rows(name, "SELECT event_id, topic, type FROM outbox") for name in house.names}
    for name in house.names:
        service = load_service(name)
        heard = {(get_events_topic(source), one.type) for source, types in service.subscribes.items() for one in types}
        heard |= {(get_commands_topic(name), one.type) for one in service.obeys}
        meant = {row["event_id"] for rows in outboxes.values() for row in rows if (row["topic"], row["type"]) in heard}
        if not meant <= {row["event_id"] for row in await house.rows(name, "SELECT event_id FROM inbox")}:
            return False
    return True
