"""The sequencer: takes what waits, numbers it as leaves of the tree, and keeps the hashes in tiles.

From the table, no cursor: an entry that is committed late is taken late, and none is passed over.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date

from services.clients.journal.rules.merkle_tree import TILE_SIZE, Subtree, compute_root, grow_frontier
from shared.database import UnitOfWork
from shared.errors import Refused

APPEND_BATCH_SIZE = 4_000
HASH_LENGTH = 32
LEAF_COLUMNS = "leaf, at, kind, actor, employee, client, action, reason, system, employees, clients, details"

APPEND_LEAVES_SQL = f"""
    WITH taken AS (
        DELETE FROM journal_pending WHERE id IN (SELECT id FROM journal_pending ORDER BY id LIMIT {APPEND_BATCH_SIZE})
        RETURNING id, {LEAF_COLUMNS}
    ), numbered AS MATERIALIZED (
        SELECT CAST(:size AS bigint) + row_number() OVER (ORDER BY id) - 1 AS index, t.* FROM taken t
    ), kept AS (
        INSERT INTO journal (month, index, id, {LEAF_COLUMNS}) SELECT :month, index, id, {LEAF_COLUMNS} FROM numbered
    )
    SELECT sha256('\\x00'::bytea || convert_to(leaf_text({LEAF_COLUMNS}), 'UTF8')) AS hash FROM numbered ORDER BY index
"""

# What is full now has a root, which is a hash of the level above.
FILL_TILES_SQL = f"""
    INSERT INTO journal_tiles AS t (level, n, hashes)
    SELECT :level, n, hashes FROM unnest(CAST(:ns AS bigint[]), CAST(:hashes AS bytea[])) AS new (n, hashes)
    ON CONFLICT (level, n) DO UPDATE SET hashes = t.hashes || excluded.hashes
    RETURNING n, CASE WHEN length(hashes) = {TILE_SIZE * HASH_LENGTH} THEN hashes END AS full
"""


class HashesMissing(Refused, code="hashes_missing"):
    """Hashes of the journal are gone: somebody took them from the database. Files and checkpoints of before still prove it."""


def split_hashes(hashes: bytes) -> tuple[bytes, ...]:
    return tuple(hashes[at : at + HASH_LENGTH] for at in range(0, len(hashes), HASH_LENGTH))


async def append_leaves(work: UnitOfWork) -> int:
    """Appends a batch of what waits; how many leaves that were: 0 if another replica is at it."""
    now = await work.fetch_row("SELECT size, frontier FROM journal_tree FOR UPDATE SKIP LOCKED")
    if now is None:
        return 0
    size = now["size"]
    month = await _open_month(work, size)
    if month is None:
        return 0
    leaves = [row["hash"] for row in await work.fetch_rows(APPEND_LEAVES_SQL, size=size, month=month)]
    if not leaves:
        return 0
    await _fill_tiles(work, size, leaves)
    await work.execute(
        "UPDATE journal_tree SET size = :size, frontier = :frontier",
        size=size + len(leaves),
        frontier=b"".join(grow_frontier(split_hashes(now["frontier"]), size, leaves)),
    )
    await work.execute(
        "UPDATE journal_months SET next = :size WHERE month = :month", size=size + len(leaves), month=month
    )
    return len(leaves)


async def _open_month(work: UnitOfWork, size: int) -> date | None:
    """The month in which is appended; its partition is made when it is first needed, and until then there is none.

    Never one before the last: the clocks of replicas differ, and each month must stay one run of the tree.
    """
    month = work.now.astimezone(UTC).date().replace(day=1)
    last: date | None = await work.fetch_value("SELECT max(month) FROM journal_months")
    if last is not None and last >= month:
        return last
    if not await work.fetch_value("SELECT 1 FROM journal_pending LIMIT 1"):
        return None
    after = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    # Attached, since `PARTITION OF` would wait for whoever reads the journal, and all others for it.
    await work.connection.execute(f"CREATE TABLE {get_partition_name(month)} (LIKE journal INCLUDING ALL)")
    await work.connection.execute(
        f"ALTER TABLE journal ATTACH PARTITION {get_partition_name(month)} FOR VALUES FROM ('{month}') TO ('{after}')"
    )
    await work.execute(
        "INSERT INTO journal_months (month, first, next) VALUES (:month, :size, :size)", month=month, size=size
    )
    return month


def get_partition_name(month: date) -> str:
    return f"journal_{month:%Y_%m}"


async def _fill_tiles(work: UnitOfWork, size: int, leaves: Sequence[bytes]) -> None:
    level, start, hashes = 0, size, list(leaves)
    while hashes:
        tiles: dict[int, list[bytes]] = {}
        for at, found in enumerate(hashes, start):
            tiles.setdefault(at // TILE_SIZE, []).append(found)
        rows = await work.fetch_rows(
            FILL_TILES_SQL, level=level, ns=list(tiles), hashes=[b"".join(found) for found in tiles.values()]
        )
        full = sorted((row["n"], row["full"]) for row in rows if row["full"] is not None)
        level, start = level + 1, full[0][0] if full else 0
        hashes = [compute_root(grow_frontier((), 0, split_hashes(found))) for _, found in full]


# -- what proofs need --------------------------------------------------------------------------------------------------


async def get_tree_head(work: UnitOfWork) -> tuple[int, tuple[bytes, ...]]:
    """The size of the tree and its complete subtrees, largest first."""
    now = await work.fetch_row("SELECT size, frontier FROM journal_tree")
    assert now is not None  # noqa: S101 - the migration made it
    return now["size"], split_hashes(now["frontier"])


async def list_subtree_hashes(work: UnitOfWork, wanted: Iterable[Subtree]) -> Mapping[Subtree, bytes]:
    """The hashes of complete subtrees: each from one tile. Raises `HashesMissing`."""
    places = {subtree: _locate_subtree(*subtree) for subtree in set(wanted)}
    tiles = {(level, n) for level, n, _, _ in places.values()}
    rows = await work.fetch_rows(
        """
        SELECT level, n, hashes FROM journal_tiles JOIN unnest(CAST(:levels AS int[]), CAST(:ns AS bigint[]))
            AS wanted (level, n) USING (level, n)
        """,
        levels=[level for level, _ in tiles],
        ns=[n for _, n in tiles],
    )
    found = {(row["level"], row["n"]): row["hashes"] for row in rows}
    if any(
        len(found.get((level, n), b"")) < (first + count) * HASH_LENGTH for level, n, first, count in places.values()
    ):
        raise HashesMissing
    return {
        subtree: compute_root(
            grow_frontier((), 0, split_hashes(found[level, n][first * HASH_LENGTH : (first + count) * HASH_LENGTH]))
        )
        for subtree, (level, n, first, count) in places.items()
    }


def _locate_subtree(level: int, n: int) -> tuple[int, int, int, int]:
    """Level and number of the tile that a complete subtree is in, and which of its hashes it consists of."""
    of_tile, height = divmod(level, 8)
    first = n << height
    return of_tile, first // TILE_SIZE, first % TILE_SIZE, 1 << height


async def delete_month(work: UnitOfWork, month: date) -> None:
    """Drops the leaves of a month; their hashes stay."""
    await work.connection.execute(f"DROP TABLE {get_partition_name(month)}")
    await work.execute("UPDATE journal_months SET archived_at = :now WHERE month = :month", now=work.now, month=month)
