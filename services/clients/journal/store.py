"""Entries, written in the transaction of what they tell of, and read; people and clients under surrogates.

Then the sequencer: it takes what waits, numbers it as leaves of the tree, and keeps the hashes in tiles. From the table, no
cursor: an entry that is committed late is taken late, and none is passed over.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import Field, JsonValue
from pydantic.json_schema import SkipJsonSchema

from services.clients.journal.rules import TILE_SIZE, Subtree, compute_root, grow_frontier
from services.clients.names.store import get_client_id_or_ref
from services.clients.permissions.rules import ALLOWING_REASONS
from shared.database import UnitOfWork
from shared.errors import Refused
from shared.ids import uuid7
from shared.paging import Paging

JOURNAL_VIEW = "journal_entries"  # all entries, those of the tree and those that wait
EntryDetails = Mapping[str, JsonValue]
SURROGATE_PATTERN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def insert_entries_sql(source: str, **values: str) -> str:
    """Writes entries of the journal: the SQL of each column's value, and what follows the list of values.

    Every entry has a `leaf` and a moment (`:leaf`, `:now`), and is of the `:actor`, unless other values are given.
    """
    columns = {"leaf": ":leaf", "at": ":now", "actor": "surrogate_of('employee', :actor)", **values}
    return f"INSERT INTO journal_pending ({', '.join(columns)}) SELECT {', '.join(columns.values())} {source}"


EMPLOYEE_SURROGATES_SQL = """(SELECT array_agg(surrogate_of('employee', named.id) ORDER BY nth)
    FROM unnest(CAST(:employees AS text[])) WITH ORDINALITY AS named (id, nth))"""
CLIENT_SURROGATES_SQL = """(SELECT array_agg(surrogate ORDER BY nth)
    FROM unnest(CAST(:clients AS text[])) WITH ORDINALITY AS seen (id, nth)
    JOIN surrogates ON kind = 'client' AND surrogates.id = seen.id)"""
INSERT_ENTRY_SQL = insert_entries_sql(
    "",
    kind=":kind",
    system=":system",
    employee="CASE WHEN CAST(:employee_id AS text) IS NOT NULL THEN surrogate_of('employee', :employee_id) END",
    client="CASE WHEN CAST(:client_id AS text) IS NOT NULL THEN surrogate_of('client', :client_id) END",
    action=":action",
    reason=":reason",
    employees=EMPLOYEE_SURROGATES_SQL,
    clients=CLIENT_SURROGATES_SQL,
    details="""nullif(CAST(:details AS jsonb) || coalesce((
        SELECT jsonb_object_agg(name, surrogate_of('employee', person))
        FROM jsonb_each_text(CAST(:people AS jsonb)) AS named (name, person) WHERE person IS NOT NULL), '{}'), '{}')""",
)
INSERT_CHANGED_CLIENTS_ENTRY_SQL = insert_entries_sql("", kind=":kind", clients=CLIENT_SURROGATES_SQL)


async def insert_journal_entry(
    work: UnitOfWork,
    kind: str,
    *,
    actor_id: str | None = None,
    employee_id: str | None = None,
    client_id: str | None = None,
    action: str | None = None,
    reason: str | None = None,
    details: EntryDetails | None = None,
    people: Mapping[str, str | None] | None = None,
    employees: Sequence[str] = (),
    clients: Sequence[str] = (),
) -> str:
    """One leaf about one decision or change; returns its id.

    `people` are ids that `details` must not show; `employees` others whom it concerns, `clients` all that it is about.
    """
    leaf = uuid7()
    await work.execute(
        INSERT_ENTRY_SQL,
        leaf=leaf,
        kind=kind,
        actor=actor_id or work.actor,
        system=work.system,
        employee_id=employee_id,
        client_id=client_id,
        action=action,
        reason=reason,
        details=json.dumps(details or {}),
        people=json.dumps(people or {}),
        employees=list(employees),
        clients=list(clients),
    )
    return leaf


async def insert_decision_entry(
    work: UnitOfWork, action: str, reason: str, client_id: str, kind: str = "client.accessed"
) -> str:
    """One leaf about a decision on the caller's own request. A client that does not exist has no surrogate."""
    known = reason != "unknown_client"
    return await insert_journal_entry(
        work, kind, employee_id=work.actor, client_id=client_id if known else None, action=action, reason=reason
    )


async def insert_clients_entry(
    work: UnitOfWork,
    kind: str,
    action: str,
    reason: str | None,
    clients: Sequence[str],
    details: EntryDetails | None = None,
    employees: Sequence[str] = (),
) -> str:
    """One leaf about a page of clients that the caller was shown or changed, and about the `employees` whom it concerns."""
    return await insert_journal_entry(
        work,
        kind,
        employee_id=work.actor,
        action=action,
        reason=reason,
        details=details,
        employees=employees,
        clients=clients,
    )


async def insert_changed_clients_entry(work: UnitOfWork, kind: str, client_ids: Sequence[str]) -> None:
    """One leaf about clients whose profiles were changed."""
    await work.execute(
        INSERT_CHANGED_CLIENTS_ENTRY_SQL,
        leaf=uuid7(),
        kind=kind,
        clients=list(client_ids),
    )


# -- reading -----------------------------------------------------------------------------------------------------------

LIST_ENTRIES_SQL = """
    SELECT leaf AS id, at, kind, actor AS actor_id, employee AS employee_id, client AS client_id, action,
           reason = ANY(:allowing) AS allowed, reason, system, coalesce(employees, '{{}}') AS employees,
           coalesce(clients, '{{}}') AS clients, coalesce(details, '{{}}') AS details, CAST(id AS text) AS place
    FROM journal_entries j
    WHERE (CAST(:after AS bigint) IS NULL OR id < :after)
      AND (CAST(:since AS timestamptz) IS NULL OR at >= :since) AND (CAST(:until AS timestamptz) IS NULL OR at < :until)
      {about}
    ORDER BY j.id DESC LIMIT :limit
"""

COLUMNS_WITH_SURROGATES = ("actor_id", "employee_id", "client_id", "employees", "clients", "details")

# Of an employee or a client those entries that name them. Changes of many clients name none: the history leads to these.
ABOUT_SQL: Mapping[str, str] = {
    "employee_id": """SELECT found.{column} FROM surrogates s JOIN {table} found
            ON found.employee = s.surrogate OR found.employees @> ARRAY[s.surrogate]
        WHERE s.kind = 'employee' AND s.id = :employee_id""",
    "client_id": """SELECT found.{column} FROM surrogates s JOIN {table} found
            ON found.client = s.surrogate OR (found.clients @> ARRAY[s.surrogate]
                AND found.kind <> 'client.transferred' AND found.kind <> 'client.registered')
        WHERE s.kind = 'client' AND s.id = :client_id
        UNION ALL
        SELECT found.{column} FROM history h JOIN {table} found ON found.leaf = h.leaf WHERE h.client_id = :client_id""",
}


def is_about_sql(filter_names: Iterable[str], column: str, table: str) -> str:
    """Whether an entry of the table, known by this column, names whom these of `employee_id` and `client_id` say."""
    conditions = (f"{column} IN ({ABOUT_SQL[name].format(column=column, table=table)})" for name in filter_names)
    return "".join(f" AND {condition}" for condition in conditions)


@dataclass(frozen=True, slots=True)
class JournalEntryShown:
    """A leaf: one decision or change, or a page, batch or chunk. Where a mapping was erased the surrogate stands alone."""

    id: uuid.UUID
    at: datetime
    kind: str
    actor_id: str | None
    employee_id: str | None
    client_id: str | None
    action: str | None
    allowed: bool | None
    reason: str | None
    system: str | None
    employees: list[str | None]
    clients: list[str | None]
    details: EntryDetails
    place: SkipJsonSchema[Annotated[str, Field(exclude=True)]]  # in the order of the list; not shown


async def list_journal_entries(
    work: UnitOfWork,
    paging: Paging,
    employee_id: str | None,
    client_id: str | None,
    since: datetime | None,
    until: datetime | None,
) -> list[JournalEntryShown]:
    """Entries, newest first, with surrogates turned back into ids where the mapping still exists."""
    if client_id and "~" in client_id:
        client_id = await get_client_id_or_ref(work, client_id)
    about = {name: id for name, id in (("employee_id", employee_id), ("client_id", client_id)) if id}
    rows = await work.fetch_rows(
        LIST_ENTRIES_SQL.format(about=is_about_sql(about, "id", JOURNAL_VIEW)),
        after=paging.number,
        since=since,
        until=until,
        limit=paging.fetch,
        allowing=sorted(ALLOWING_REASONS),
        **about,
    )
    found: set[str] = set()
    for row in rows:
        _replace_ids([row[name] for name in COLUMNS_WITH_SURROGATES], lambda id: found.add(id) or id)  # type: ignore[func-returns-value]
    known = await work.fetch_rows(
        "SELECT CAST(surrogate AS text) AS surrogate, id FROM surrogates WHERE surrogate = ANY(CAST(:found AS uuid[]))",
        found=sorted(found),
    )
    ids = {row["surrogate"]: row["id"] for row in known}
    return [
        JournalEntryShown(
            **{**row, **{name: _replace_ids(row[name], lambda id: ids.get(id, id)) for name in COLUMNS_WITH_SURROGATES}}
        )
        for row in rows
    ]


def _replace_ids(value: Any, replace: Callable[[str], str]) -> Any:
    """The value with whatever looks like a surrogate in it replaced, however deep."""
    match value:
        case uuid.UUID():
            return replace(str(value))
        case str() if SURROGATE_PATTERN.fullmatch(value):
            return replace(value)
        case list():
            return [_replace_ids(part, replace) for part in value]
        case dict():
            return {name: _replace_ids(part, replace) for name, part in value.items()}
    return value


# -- the tree ------------------------------------------------------------------------------------------------------------

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
    leaves = await work.fetch_values(APPEND_LEAVES_SQL, size=size, month=month)
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


async def list_subtree_hashes(work: UnitOfWork, subtrees: Iterable[Subtree]) -> Mapping[Subtree, bytes]:
    """The hashes of complete subtrees: each from one tile. Raises `HashesMissing`."""
    places = {subtree: _locate_subtree(*subtree) for subtree in set(subtrees)}
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
    await work.execute("UPDATE journal_months SET archived_at = :now WHERE month = :month", month=month)


async def get_database_size(work: UnitOfWork) -> int:
    """In bytes; it grows with the journal above all."""
    return int(await work.fetch_value("SELECT pg_database_size(current_database())"))
