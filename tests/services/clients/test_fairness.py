"""A freeze waits for the transactions that are under way, never for those that begin after it."""

import asyncio

from shared.people.store import lock_people
from tests.services.clients.town import Town, town

WAITING = """
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def until_waiting(here: Town, number: int) -> None:
    async with asyncio.timeout(60):
        while True:
            if await here.house.scalar("clients", WAITING) >= number:
                return
            await asyncio.sleep(0.01)


async def test_who_comes_after_a_waiting_freeze_waits_behind_it() -> None:
    """A second chunk of a transfer to anna, while the first is under way: else chunks that overlap would starve a freeze."""
    async with town("anna", "ben") as here:
        clients = here.house.embedded.replicas["clients"]

        async def second_chunk() -> bool:
            async with clients.unit_of_work("test") as work:
                return bool((await lock_people(work, for_share=["anna"]))["anna"].frozen)

        async with clients.unit_of_work("test") as first_chunk:
            await lock_people(first_chunk, for_share=["anna"])
            freezing = asyncio.create_task(here.resign("anna", "ben"))
            await until_waiting(here, 1)
            second = asyncio.create_task(second_chunk())
            await until_waiting(here, 2)
        await freezing
        assert await second
