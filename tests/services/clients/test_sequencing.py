"""The sequencer: every entry becomes exactly one leaf of the tree, whoever crashes and however many try."""

import asyncio
import json
from typing import Any

import pytest

from services.clients.journal.handlers import append_pending_entries
from services.clients.journal.rules import TILE_SIZE, compute_root, grow_frontier, hash_leaf
from services.clients.journal.store import append_leaves, get_partition_name, get_tree_head
from services.clients.proofs.store import list_frontier_hashes, list_page_of_leaves
from shared.database import UnitOfWork
from tests.services.clients.town import BASE, Town, town

# Entries as a business transaction writes them.
FILL = """
    INSERT INTO journal_pending (leaf, at, kind, actor, employee, client, action, reason)
    SELECT gen_random_uuid(), $2, 'access.checked', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'read', 'owner'
    FROM generate_series(1, $1)
"""


async def fill(here: Town, count: int) -> None:
    async with here.house.runtime("clients").database.connect() as connection:
        await connection.execute(FILL, count, here.house.clock())


async def whole(here: Town) -> tuple[int, bytes]:
    """The size of the tree and its root, computed anew from the leaves, and found equal to what is kept."""
    runtime = here.house.runtime("clients")
    size, frontier = await runtime.transact(get_tree_head)
    found: dict[int, bytes] = {}
    while page := await runtime.transact(list_page_of_leaves, len(found), size):
        found |= page
    assert list(found) == list(range(size))
    leaves = [hash_leaf(leaf) for leaf in found.values()]
    assert grow_frontier((), 0, leaves) == frontier
    assert await runtime.transact(list_frontier_hashes, size) == frontier
    tiles = await here.house.rows("clients", "SELECT hashes FROM journal_tiles WHERE level = 0 ORDER BY n")
    assert b"".join(row["hashes"] for row in tiles) == b"".join(leaves)
    return size, compute_root(frontier)


async def test_every_entry_becomes_a_leaf_and_is_still_read_in_the_same_form() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.check("ben", "c-1")
        before = await here.house.ok("auditor", "GET", f"{BASE}/journal")
        await here.house.settle()
        assert await here.house.scalar("clients", "SELECT count(*) FROM journal_pending") == 0
        assert (await whole(here))[0] == len(before["items"])
        assert await here.house.ok("auditor", "GET", f"{BASE}/journal") == before


async def test_a_leaf_is_text_in_one_form_without_what_is_not_said() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await here.check("anna", "c-1")
        await here.house.settle()
        leaves = await here.house.runtime("clients").transact(list_page_of_leaves, 0, 9)
        texts = [leaf.decode() for leaf in leaves.values()]
        said = [json.loads(text) for text in texts]
        (check,) = [one for one in said if one["kind"] == "access.checked"]
        assert list(check) == ["leaf", "at", "kind", "actor", "employee", "client", "action", "reason", "system"]
        assert (check["action"], check["reason"], check["system"]) == ("read", "owner", "service")
        assert check["at"].endswith("Z")
        assert len(check["at"]) == len("2026-11-26T08:00:00.000000Z")
        assert all(text.startswith('{"leaf":"') and "\n" not in text and "null" not in text for text in texts)


async def test_the_tree_has_its_levels_also_when_it_is_large() -> None:
    async with town() as here:
        count = TILE_SIZE**2 + 3 * TILE_SIZE + 5
        await fill(here, count)
        while await append_pending_entries(here.house.runtime("clients")):
            pass
        assert (await whole(here))[0] == count
        levels = await here.house.rows(
            "clients", "SELECT level, sum(length(hashes)) / 32 AS n FROM journal_tiles GROUP BY 1 ORDER BY 1"
        )
        assert [(row["level"], row["n"]) for row in levels] == [(0, count), (1, TILE_SIZE + 3), (2, 1)]


async def test_several_sequencers_beside_writers_lose_nothing_and_take_nothing_twice() -> None:
    async with town() as here:
        runtime = here.house.runtime("clients")

        async def write() -> None:
            for _ in range(20):
                await fill(here, 37)

        async def take() -> None:
            for _ in range(40):
                await append_pending_entries(runtime)

        await asyncio.gather(*(write() for _ in range(4)), *(take() for _ in range(3)))
        await append_pending_entries(runtime)
        assert (await whole(here))[0] == 4 * 20 * 37
        distinct = await here.house.scalar("clients", "SELECT count(DISTINCT leaf) FROM journal")
        assert distinct == 4 * 20 * 37


async def test_a_crash_before_the_commit_leaves_everything_as_it_was() -> None:
    async with town() as here:
        await fill(here, 300)
        runtime = here.house.runtime("clients")
        await append_pending_entries(runtime)
        kept = await whole(here)
        await fill(here, 300)

        async def crash(work: UnitOfWork) -> None:
            assert await append_leaves(work) == 300
            raise ConnectionError

        with pytest.raises(ConnectionError):
            await runtime.transact(crash)
        assert await whole(here) == kept
        await append_pending_entries(runtime)
        assert (await whole(here))[0] == 600


async def test_each_month_has_a_part_of_its_own_and_knows_its_leaves() -> None:
    async with town() as here:
        runtime = here.house.runtime("clients")
        sizes: list[Any] = []
        for _ in range(3):
            await fill(here, 10)
            await append_pending_entries(runtime)
            sizes.append(here.house.clock().date().replace(day=1))
            here.house.clock.move(months=1)
        months = await here.house.rows("clients", "SELECT month, first, next FROM journal_months ORDER BY month")
        assert [(row["month"], row["first"], row["next"]) for row in months] == [
            (month, at * 10, at * 10 + 10) for at, month in enumerate(sizes)
        ]
        for month in sizes:
            assert await here.house.scalar("clients", f"SELECT count(*) FROM {get_partition_name(month)}") == 10


async def test_a_new_month_waits_for_nobody_who_reads_the_journal() -> None:
    async with town() as here:
        runtime = here.house.runtime("clients")
        await fill(here, 10)
        await append_pending_entries(runtime)
        here.house.clock.move(months=1)
        await fill(here, 10)
        async with runtime.database.connect() as reading, reading.transaction():
            assert await reading.fetchval("SELECT count(*) FROM journal") == 10
            await asyncio.wait_for(append_pending_entries(runtime), 3)
        assert await here.house.scalar("clients", "SELECT count(*) FROM journal_months") == 2
        indexes = "SELECT count(*) FROM pg_indexes WHERE tablename = 'journal'"
        parts = "SELECT count(*) FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE c.relkind = 'i'"
        assert await here.house.scalar("clients", parts) == 2 * await here.house.scalar("clients", indexes)


async def test_entries_that_come_after_others_of_a_higher_number_are_taken_too() -> None:
    """Their transaction took its number first and committed last."""
    async with town() as here:
        runtime = here.house.runtime("clients")
        async with runtime.database.connect() as late:
            transaction = late.transaction()
            await transaction.start()
            await late.execute(FILL, 5, here.house.clock())
            await fill(here, 5)
            await append_pending_entries(runtime)
            assert (await whole(here))[0] == 5
            await transaction.commit()
        await append_pending_entries(runtime)
        assert (await whole(here))[0] == 10
