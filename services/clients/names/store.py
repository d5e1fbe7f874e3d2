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


# Of the statement that registers clients: `made (client_id, surrogate)` are the new ones.
INSERT_SURROGATES_SQL = "INSERT INTO surrogates (id, kind, surrogate) SELECT client_id, 'client', surrogate FROM made"


def to_ref_columns(refs: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    """The references column by column, as `RESOLVE_REFS_SQL` takes them: whole, system, id."""
    known = sorted(set(refs))
    parts = [ref.split("~", 1) if "~" in ref else [MERGED_SYSTEM, ref] for ref in known]
    return known, [system for system, _ in parts], [id for _, id in parts]


async def list_client_ids_by_other_name(work: UnitOfWork, refs: Iterable[str]) -> dict[str, str]:
    """The ids behind those of these references that are not ids of clients themselves."""
    return {
        row["ref"]: row["client_id"] for row in await work.connection.fetch(RESOLVE_REFS_SQL, *to_ref_columns(refs))
    }


async def list_merged_client_ids(work: UnitOfWork, ids: Iterable[str]) -> set[str]:
    """Those of these ids whose clients were merged into others."""
    return set(await list_client_ids_by_other_name(work, (id for id in ids if "~" not in id)))


async def get_client_id_or_ref(work: UnitOfWork, ref: str) -> str:
    """The id behind the reference; the reference itself where there is none: it is that of an unknown client."""
    return (await list_client_ids_by_other_name(work, [ref])).get(ref, ref)


def _external_id_columns(ids: Mapping[str, Mapping[str, str]]) -> dict[str, Sequence[str]]:
    rows = [(system, id, client_id) for client_id, theirs in ids.items() for system, id in theirs.items()]
    return {name: [row[part] for row in rows] for part, name in enumerate(("systems", "ids", "clients"))}


async def update_external_ids_and_list_taken(
    work: UnitOfWork, changes: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]]
) -> dict[str, str]:
    """Changes external ids of clients `{client_id: (before, after)}`, all by the same statements.

    Returns the clients that cannot be called so since another one is, with a system where it is: these stay as they are.
    """
    new = {client_id: _missing_ids(before, after) for client_id, (before, after) in changes.items()}
    taken: dict[str, str] = {}
    claimed: list[Mapping[str, str]] = []
    columns = _external_id_columns(new)
    if columns["ids"]:
        claimed = list(await work.fetch_rows(CLAIM_EXTERNAL_IDS_SQL, **columns))
        taken = {
            row["client_id"]: row["system"] for row in await work.fetch_rows(LIST_TAKEN_EXTERNAL_IDS_SQL, **columns)
        }
    given_up = {
        client_id: _missing_ids(after, before)
        for client_id, (before, after) in changes.items()
        if client_id not in taken
    }
    for row in claimed:
        if row["client_id"] in taken:  # what else leads to it was so before
            given_up.setdefault(row["client_id"], {})[row["system"]] = row["id"]
    columns = _external_id_columns(given_up)
    if columns["ids"]:
        await work.execute(RELEASE_EXTERNAL_IDS_SQL, **columns)
    return taken


def _missing_ids(known: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """What is wanted and not known."""
    return {system: id for system, id in wanted.items() if known.get(system) != id}


async def list_ids_merged_into(work: UnitOfWork, client_id: str) -> list[str]:
    """The ids of the clients that were merged into this one."""
    return await work.fetch_values(
        "SELECT id FROM external_ids WHERE client_id = :id AND system = :merged ORDER BY id",
        id=client_id,
        merged=MERGED_SYSTEM,
    )


async def list_erased_keys(
    work: UnitOfWork, kind: str, ids: Iterable[str], contact_ids: Iterable[str]
) -> set[tuple[str, str]]:
    """Who of these has been erased: `kind` contact, by the ids of client and contact; or employee, with an empty contact id."""
    found = await work.fetch_rows(
        """
        SELECT id, part FROM erasures JOIN unnest(CAST(:ids AS text[]), CAST(:parts AS text[])) AS r (id, part)
        USING (id, part) WHERE kind = :kind
        """,
        kind=kind,
        ids=list(ids),
        parts=list(contact_ids),
    )
    return {(row["id"], row["part"]) for row in found}


async def list_erased_employees(work: UnitOfWork, employee_ids: Iterable[str]) -> set[str]:
    ids = list(employee_ids)
    return {id for id, _ in await list_erased_keys(work, "employee", ids, [""] * len(ids))}


# -- merged and erased clients -----------------------------------------------------------------------------------------


async def merge_names(work: UnitOfWork, client_id: str, into_id: str) -> None:
    """What led to the client, and its own id, leads to the other."""
    await work.execute(
        "UPDATE external_ids SET client_id = :into_id WHERE client_id = :client_id",
        client_id=client_id,
        into_id=into_id,
    )
    await work.execute(
        "INSERT INTO external_ids (system, id, client_id) VALUES (:merged, :client_id, :into_id)",
        merged=MERGED_SYSTEM,
        client_id=client_id,
        into_id=into_id,
    )


async def erase_names(work: UnitOfWork, client_id: str, merged_ids: Sequence[str]) -> int:
    """How many ids of other systems went. The ids of clients that were merged into it are keys like its own, and stay."""
    await work.execute("DELETE FROM surrogates WHERE kind = 'client' AND id = ANY(:ids)", ids=[client_id, *merged_ids])
    return await work.execute(
        "DELETE FROM external_ids WHERE client_id = :id AND system <> :merged", id=client_id, merged=MERGED_SYSTEM
    )


async def insert_surrogate_of_client(work: UnitOfWork, client_id: str) -> None:
    """The surrogate that stands in the client's own row."""
    await work.execute(
        """
        INSERT INTO surrogates (kind, id, surrogate) SELECT 'client', client_id, surrogate FROM clients
        WHERE client_id = :id ON CONFLICT DO NOTHING
        """,
        id=client_id,
    )


async def delete_surrogates_of_erased_employees(work: UnitOfWork) -> int:
    """Deletes the surrogates of all employees who were erased, also those that an entry on its way has made anew.

    How many. Nothing in the journal changes: its entries keep a surrogate that leads to nobody.
    """
    return await work.execute(
        """
        DELETE FROM surrogates s USING erasures e
        WHERE e.kind = 'employee' AND s.kind = 'employee' AND e.id = s.id AND NOT e.held
        """
    )
