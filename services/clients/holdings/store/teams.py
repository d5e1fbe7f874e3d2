"""Places in the teams of clients."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.clients.holdings.store import owners
from services.clients.imports.store import ImportedRow, import_rows_of_kind, row_columns
from services.clients.journal.store.entries import insert_clients_entry
from shared.database import UnitOfWork


async def upsert_team_place(work: UnitOfWork, client_id: str, function: str, employee_id: str) -> bool:
    """Whether this changed anything. The client was locked before."""
    changed = await work.fetch_value(
        """
        INSERT INTO team AS t (client_id, function, employee_id) VALUES (:client_id, :function, :employee_id)
        ON CONFLICT (client_id, function) DO UPDATE SET employee_id = excluded.employee_id
        WHERE t.employee_id <> excluded.employee_id RETURNING 1
        """,
        client_id=client_id,
        function=function,
        employee_id=employee_id,
    )
    if changed:
        await work.execute(owners.INCREMENT_VERSION_SQL, client_id=client_id)
    return bool(changed)


async def delete_team_place(work: UnitOfWork, client_id: str, function: str) -> str | None:
    """Who served in this function until now."""
    gone: str | None = await work.fetch_value(
        "DELETE FROM team WHERE client_id = :client_id AND function = :function RETURNING employee_id",
        client_id=client_id,
        function=function,
    )
    if gone is not None:
        await work.execute(owners.INCREMENT_VERSION_SQL, client_id=client_id)
    return gone


REPLACE_TEAMS_SQL = """
    WITH given AS (
        SELECT client_id, place.function, place.employee_id
        FROM unnest(CAST(:clients AS text[]), CAST(:teams AS text[])) AS g (client_id, team),
             jsonb_each_text(CAST(g.team AS jsonb)) AS place (function, employee_id)
    ), gone AS (
        DELETE FROM team t WHERE t.client_id = ANY(CAST(:clients AS text[])) AND NOT EXISTS (
            SELECT 1 FROM given g WHERE (g.client_id, g.function) = (t.client_id, t.function))
    )
    INSERT INTO team AS t (client_id, function, employee_id) SELECT * FROM given
    ON CONFLICT (client_id, function) DO UPDATE SET employee_id = excluded.employee_id
    WHERE t.employee_id <> excluded.employee_id
"""


async def replace_teams(work: UnitOfWork, teams: Mapping[str, Mapping[str, str]]) -> None:
    """Whole teams of clients, by one statement. The clients were locked before."""
    await work.execute(REPLACE_TEAMS_SQL, clients=list(teams), teams=[json.dumps(team) for team in teams.values()])


UPDATE_TEAM_PLACES_SQL = """
    WITH asked AS (
        SELECT * FROM unnest(CAST(:clients AS text[]), CAST(:functions AS text[]), CAST(:froms AS text[]),
                             CAST(:tos AS text[])) WITH ORDINALITY AS a (client_id, function, from_id, to_id, nth)
    ), judged AS MATERIALIZED (
        SELECT a.*, t.employee_id AS before, CASE
            WHEN NOT EXISTS (SELECT 1 FROM clients c WHERE c.client_id = a.client_id) THEN 'unknown_client'
            WHEN t.employee_id = a.to_id THEN 'done'
            WHEN t.employee_id IS DISTINCT FROM a.from_id THEN 'not_in_team'
            WHEN p.employee_id IS NULL OR (p.status IS NULL AND NOT p.frozen) THEN 'unknown_employee'
            WHEN p.status = 'left' THEN 'not_employed'
            WHEN p.settling OR p.frozen AND a.to_id <> :leaver THEN 'frozen'
            ELSE 'done' END AS outcome
        FROM asked a LEFT JOIN team t USING (client_id, function) LEFT JOIN people p ON p.employee_id = a.to_id
    ), changed AS (
        UPDATE team t SET employee_id = j.to_id FROM judged j
        WHERE t.client_id = j.client_id AND t.function = j.function AND j.outcome = 'done' AND j.before <> j.to_id
        RETURNING t.client_id, t.function
    ), bumped AS (
        UPDATE clients SET version = version + 1 WHERE client_id IN (SELECT client_id FROM changed)
    )
    SELECT j.client_id, j.function, j.from_id, j.to_id, j.outcome, ch.client_id IS NOT NULL AS changed
    FROM judged j LEFT JOIN changed ch USING (client_id, function) ORDER BY nth
"""


async def update_team_places(
    work: UnitOfWork, items: Sequence[tuple[str, str, str, str]], leaver: str, case_id: str | None = None
) -> Sequence[Mapping[str, Any]]:
    """Gives places `(client_id, function, from_id, to_id)` to others, with one leaf; an `outcome` for each.

    Of those who are frozen only the case's leaver may be given a place: theirs, back, before they are unfrozen.
    """
    clients, functions, froms, tos = ([item[part] for item in items] for part in range(4))
    rows = await work.fetch_rows(
        UPDATE_TEAM_PLACES_SQL, clients=clients, functions=functions, froms=froms, tos=tos, leaver=leaver
    )
    changed = [row for row in rows if row["changed"]]
    if changed:
        await insert_clients_entry(
            work,
            "team.placed",
            "edit",
            "service",
            [row["client_id"] for row in changed],
            {**({"case_id": case_id} if case_id else {}), "functions": [row["function"] for row in changed]},
            sorted({row[name] for row in changed for name in ("from_id", "to_id")}),
        )
    return rows


async def list_team_places(work: UnitOfWork, employee_id: str, limit: int) -> Sequence[Mapping[str, Any]]:
    """Whom this person serves in which function: `client_id`, `function`."""
    return await work.fetch_rows(
        "SELECT client_id, function FROM team WHERE employee_id = :id ORDER BY 1, 2 LIMIT :limit",
        id=employee_id,
        limit=limit,
    )


IMPORT_TEAM_PLACES_SQL = """
    WITH given AS (
        SELECT * FROM unnest(CAST(:clients AS text[]), CAST(:functions AS text[]), CAST(:employees AS text[]))
               WITH ORDINALITY AS g (client_id, function, employee_id, nth)
    ), before AS MATERIALIZED (
        SELECT t.* FROM team t JOIN given USING (client_id, function)
    ), written AS (
        INSERT INTO team AS t (client_id, function, employee_id)
        SELECT client_id, function, employee_id FROM given ORDER BY client_id, function
        ON CONFLICT (client_id, function) DO UPDATE SET employee_id = excluded.employee_id
        WHERE t.employee_id <> excluded.employee_id RETURNING client_id
    ), bumped AS (
        UPDATE clients SET version = version + 1 WHERE client_id IN (SELECT client_id FROM written)
    )
    SELECT CASE WHEN b.client_id IS NULL THEN 'created' WHEN b.employee_id = g.employee_id THEN 'unchanged'
                ELSE 'updated' END AS outcome
    FROM given g LEFT JOIN before b USING (client_id, function) ORDER BY nth
"""


async def import_team_places(work: UnitOfWork, rows: Sequence[ImportedRow]) -> list[str]:
    return await import_rows_of_kind(
        work, IMPORT_TEAM_PLACES_SQL, rows, **row_columns(rows, {"functions": "function", "employees": "employee_id"})
    )


async def list_employees_in_places(work: UnitOfWork, rows: Sequence[ImportedRow]) -> set[str]:
    """Who serves these clients in these functions before the rows are written."""
    found = await work.fetch_rows(
        """
        SELECT DISTINCT employee_id FROM team
        JOIN unnest(CAST(:clients AS text[]), CAST(:functions AS text[])) AS r (client_id, function) USING (client_id, function)
        """,
        clients=[row.client_id for row in rows],
        **row_columns(rows, {"functions": "function"}),
    )
    return {row["employee_id"] for row in found}
