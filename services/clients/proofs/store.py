"""What auditors check the journal with: checkpoints, proofs, and the leaves as they were hashed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.clients.journal.rules import (
    TILE_SIZE,
    build_consistency_proof,
    build_inclusion_proof,
    list_consistency_subtrees,
    list_frontier_subtrees,
    list_inclusion_subtrees,
)
from services.clients.journal.store import JOURNAL_VIEW, LEAF_COLUMNS, is_about_sql, list_subtree_hashes, split_hashes
from shared.database import UnitOfWork

PAGE_LEAVES = TILE_SIZE  # leaves that are read at a stretch,
PAGE_BYTES = 8_000_000  # or fewer, but one at least: each may name a hundred thousand clients
CheckpointPlace = Literal["file", "webhook"]  # outside, where checkpoints go
LEAF_DATA_SQL = f"convert_to(leaf_text({LEAF_COLUMNS}), 'UTF8') AS data"
STORED_BYTES_SQL = " + ".join(
    f"coalesce(pg_column_size({column}), 0)" for column in ("employees", "clients", "details")
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """An entry in the form in which it is hashed. Without an `index` it waits for the sequencer."""

    index: int | None
    data: bytes


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """`note`: the signed checkpoint of the tree of this size."""

    size: int
    at: datetime
    note: str


async def get_leaf(work: UnitOfWork, leaf_id: str) -> Leaf | None:
    return await work.fetch_one(
        Leaf, f"SELECT index, {LEAF_DATA_SQL} FROM {JOURNAL_VIEW} WHERE leaf = :leaf", leaf=leaf_id
    )


async def list_page_of_leaves(work: UnitOfWork, start: int, end: int) -> dict[int, bytes]:
    """The first leaves of [start, end) by number, in the form in which they were hashed: as many as make a page."""
    return await _list_leaf_page(work, "index >= :start AND index < :end", start=start, end=end)


async def list_tile_hashes(work: UnitOfWork, n: int) -> tuple[bytes, ...]:
    """The hashes that were kept of the leaves of this tile when they were appended."""
    return split_hashes(
        await work.fetch_value("SELECT hashes FROM journal_tiles WHERE level = 0 AND n = :n", n=n) or b""
    )


async def list_frontier_hashes(work: UnitOfWork, size: int) -> tuple[bytes, ...]:
    """The complete subtrees of the tree when it had this size, largest first."""
    wanted = list_frontier_subtrees(size)
    found = await list_subtree_hashes(work, wanted)
    return tuple(found[subtree] for subtree in wanted)


async def list_inclusion_proofs(work: UnitOfWork, indexes: Sequence[int], size: int) -> list[list[bytes]]:
    """For each of these leaves the proof that it is in the tree of this size."""
    found = await list_subtree_hashes(work, (one for index in indexes for one in list_inclusion_subtrees(index, size)))
    return [build_inclusion_proof(index, size, lambda level, n: found[level, n]) for index in indexes]


async def get_consistency_proof(work: UnitOfWork, old_size: int, new_size: int) -> list[bytes]:
    found = await list_subtree_hashes(work, list_consistency_subtrees(old_size, new_size))
    return build_consistency_proof(old_size, new_size, lambda level, n: found[level, n])


async def get_first_kept_index(work: UnitOfWork) -> int:
    """The first leaf whose data is still here."""
    return int(await work.fetch_value("SELECT coalesce(min(first), 0) FROM journal_months WHERE archived_at IS NULL"))


async def get_index_range(work: UnitOfWork, since: datetime | None, until: datetime | None) -> tuple[int, int] | None:
    """The smallest run of leaves that holds all of this time; None if there are none."""
    row = await work.fetch_row(
        """
        SELECT min(index) AS first, max(index) + 1 AS next FROM journal
        WHERE (CAST(:since AS timestamptz) IS NULL OR at >= :since) AND (CAST(:until AS timestamptz) IS NULL OR at < :until)
        """,
        since=since,
        until=until,
    )
    return None if row is None or row["first"] is None else (row["first"], row["next"])


async def list_page_of_leaves_about(
    work: UnitOfWork,
    subject_ids: Mapping[str, str],
    after: int,
    size: int,
    since: datetime | None,
    until: datetime | None,
) -> dict[int, bytes]:
    """The next page of leaves of the tree of this size about these people and clients (`employee_id`, `client_id`)."""
    return await _list_leaf_page(
        work,
        f"""index > :after AND index < :size AND (CAST(:since AS timestamptz) IS NULL OR at >= :since)
        AND (CAST(:until AS timestamptz) IS NULL OR at < :until) {is_about_sql(subject_ids, "index", "journal")}""",
        after=after,
        size=size,
        since=since,
        until=until,
        **subject_ids,
    )


async def _list_leaf_page(work: UnitOfWork, wanted: str, **named: object) -> dict[int, bytes]:
    """The first leaves of these, by number. How much they take is asked of what is stored, which is not read for it."""
    rows = await work.fetch_rows(
        f"""
        SELECT index, {LEAF_DATA_SQL} FROM (
            SELECT *, sum({STORED_BYTES_SQL}) OVER (ORDER BY index ROWS UNBOUNDED PRECEDING) - ({STORED_BYTES_SQL}) AS before
            FROM (SELECT * FROM journal WHERE {wanted} ORDER BY index LIMIT {PAGE_LEAVES}) found
        ) weighed
        WHERE before < {PAGE_BYTES} ORDER BY index
        """,
        **named,
    )
    return {row["index"]: row["data"] for row in rows}


# -- checkpoints -------------------------------------------------------------------------------------------------------


async def insert_or_get_checkpoint(work: UnitOfWork, size: int, note: str) -> StoredCheckpoint:
    """Keeps the note of this size, or gives the one that was kept before."""
    await work.execute(
        "INSERT INTO checkpoints (size, at, note) VALUES (:size, :now, :note) ON CONFLICT DO NOTHING",
        size=size,
        note=note,
    )
    (checkpoint,) = await work.fetch_all(
        StoredCheckpoint, "SELECT size, at, note FROM checkpoints WHERE size = :size", size=size
    )
    return checkpoint


async def list_checkpoint_notes_by_size(work: UnitOfWork, start: int, end: int) -> dict[int, str]:
    """The notes kept of sizes in (start, end]."""
    rows = await work.fetch_rows(
        "SELECT size, note FROM checkpoints WHERE size > :start AND size <= :end", start=start, end=end
    )
    return {row["size"]: row["note"] for row in rows}


async def list_unsent_checkpoints(work: UnitOfWork, place: CheckpointPlace) -> list[StoredCheckpoint]:
    """The oldest checkpoints that have not been taken to this place."""
    return await work.fetch_all(
        StoredCheckpoint, f"SELECT size, at, note FROM checkpoints WHERE {place}_at IS NULL ORDER BY size LIMIT 100"
    )


async def update_checkpoints_sent(work: UnitOfWork, place: CheckpointPlace, sizes: Iterable[int]) -> None:
    await work.execute(f"UPDATE checkpoints SET {place}_at = :now WHERE size = ANY(:sizes)", sizes=list(sizes))
