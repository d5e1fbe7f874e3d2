"""Other names of clients: any id may be written `system~id`, or be that of one merged into it."""

from collections.abc import Iterable, Mapping, Sequence

from shared.database import UnitOfWork

MERGED_SYSTEM = "merged"  # the system under which a client keeps the ids of those that were merged into it

RESOLVE_REFS_SQL = """
    SELECT r.ref, e.client_id FROM unnest(CAST($1 AS text[]), CAST($2 AS text[]), CAST($3 AS text[])) AS r (ref, system, id)
    JOIN external_ids e ON e.system = r.system AND e.id = r.id
"""

CLAIM_EXTERNAL_IDS_SQL = """
    WITH wanted AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:systems AS text[]), CAST(:ids AS text[]), CAST(:clients AS text[]))
               WITH ORDINALITY AS w (system, id, client_id, nth)
    )
    INSERT INTO external_ids (system, id, client_id) SELECT system, id, client_id FROM wanted ORDER BY system, id, nth
    ON CONFLICT DO NOTHING RETURNING system, id, client_id
"""

LIST_TAKEN_EXTERNAL_IDS_SQL = """
    SELECT w.system, w.client_id
    FROM unnest(CAST(:systems AS text[]), CAST(:ids AS text[]), CAST(:clients AS text[])) AS w (system, id, client_id)
    JOIN external_ids e USING (system, id) WHERE e.client_id <> w.client_id
"""

RELEASE_EXTERNAL_IDS_SQL = """
    DELETE FROM external_ids e
    USING unnest(CAST(:systems AS text[]), CAST(:ids AS text[]), CAST(:clients AS text[])) AS g (system, id, client_id)
    WHERE e.system = g.system AND e.id = g.id AND e.client_id = g.client_id
"""


def split_refs(refs: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    """The references column by column, as `RESOLVE` takes them: whole, system, id."""
    known = sorted(set(refs))
    parts = [ref.split("~", 1) if "~" in ref else [MERGED_SYSTEM, ref] for ref in known]
    return known, [system for system, _ in parts], [id for _, id in parts]


async def list_client_ids_by_ref(work: UnitOfWork, refs: Iterable[str]) -> dict[str, str]:
    """The ids behind those of these references that are not ids of clients themselves."""
    return {row["ref"]: row["client_id"] for row in await work.connection.fetch(RESOLVE_REFS_SQL, *split_refs(refs))}


async def list_merged_client_ids(work: UnitOfWork, ids: Iterable[str]) -> set[str]:
    """Those of these ids whose clients were merged into others."""
    return set(await list_client_ids_by_ref(work, (id for id in ids if "~" not in id)))


async def get_client_id(work: UnitOfWork, ref: str) -> str:
    """The id behind the reference; the reference itself where there is none: it is that of an unknown client."""
    return (await list_client_ids_by_ref(work, [ref])).get(ref, ref)


def _external_id_columns(ids: Mapping[str, Mapping[str, str]]) -> dict[str, Sequence[str]]:
    rows = [(system, id, client_id) for client_id, theirs in ids.items() for system, id in theirs.items()]
    return {name: [row[part] for row in rows] for part, name in enumerate(("systems", "ids", "clients"))}


async def update_external_ids(
    work: UnitOfWork, ids: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]]
) -> dict[str, str]:
    """Changes external ids of clients `{client_id: (before, after)}`, all by the same statements.

    Returns the clients that cannot be called so since another one is, with a system where it is: these stay as they are.
    """
    new = {client_id: _missing_ids(before, after) for client_id, (before, after) in ids.items()}
    taken: dict[str, str] = {}
    claimed: list[Mapping[str, str]] = []
    columns = _external_id_columns(new)
    if columns["ids"]:
        claimed = list(await work.fetch_rows(CLAIM_EXTERNAL_IDS_SQL, **columns))
        taken = {
            row["client_id"]: row["system"] for row in await work.fetch_rows(LIST_TAKEN_EXTERNAL_IDS_SQL, **columns)
        }
    given_up = {
        client_id: _missing_ids(after, before) for client_id, (before, after) in ids.items() if client_id not in taken
    }
    for row in claimed:
        if row["client_id"] in taken:  # what else leads to it was so before
            given_up.setdefault(row["client_id"], {})[row["system"]] = row["id"]
    columns = _external_id_columns(given_up)
    if columns["ids"]:
        await work.execute(RELEASE_EXTERNAL_IDS_SQL, **columns)
    return taken


def _missing_ids(some: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    """What `others` say that `some` do not."""
    return {system: id for system, id in others.items() if some.get(system) != id}


async def list_ids_merged_into(work: UnitOfWork, client_id: str) -> list[str]:
    """The ids of the clients that were merged into this one."""
    rows = await work.fetch_rows(
        "SELECT id FROM external_ids WHERE client_id = :id AND system = :merged ORDER BY id",
        id=client_id,
        merged=MERGED_SYSTEM,
    )
    return [row["id"] for row in rows]


async def list_erased(work: UnitOfWork, kind: str, ids: Iterable[str], parts: Iterable[str]) -> set[tuple[str, str]]:
    """Who of these has been erased: `kind` employee, or contact with its id as part."""
    found = await work.fetch_rows(
        """
        SELECT id, part FROM erasures JOIN unnest(CAST(:ids AS text[]), CAST(:parts AS text[])) AS r (id, part)
        USING (id, part) WHERE kind = :kind
        """,
        kind=kind,
        ids=list(ids),
        parts=list(parts),
    )
    return {(one["id"], one["part"]) for one in found}
