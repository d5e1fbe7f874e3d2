"""Places in the teams of clients."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.clients.holdings.store.owners import increment_versions
from services.clients.journal.store import insert_clients_entry
from shared.database import UnitOfWork, to_columns
from shared.people.store import work_refusals_sql


@dataclass(frozen=True, slots=True)
class TeamPlace:
    """That an employee serves a client in a function."""

    client_id: str
    function: str
    employee_id: str


@dataclass(frozen=True, slots=True)
class TeamPlaceOutcome:
    """What became of a place that is handed over: `done` also where the colleague has it already."""

    client_id: str
    function: str
    from_id: str
    to_id: str
    outcome: str
    has_changed: bool


# Of the statement that registers clients: `new (client_id, team)` has the team as JSON.
INSERT_TEAMS_SQL = """INSERT INTO team (client_id, function, employee_id)
    SELECT client_id, place.function, place.employee_id
    FROM new, jsonb_each_text(team) AS place (function, employee_id)"""
UPSERT_TEAM_PLACES_SQL = """
    WITH given AS (
        SELECT * FROM unnest(CAST(:client_id AS text[]), CAST(:function AS text[]), CAST(:employee_id AS text[]))
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


async def upsert_team_places(work: UnitOfWork, places: Sequence[TeamPlace]) -> list[str]:
    """Of each whether it was `created`, `updated`, or `unchanged`. The clients were locked before."""
    columns = to_columns(places, "client_id", "function", "employee_id")
    return await work.fetch_values(UPSERT_TEAM_PLACES_SQL, **columns)


async def delete_team_place(work: UnitOfWork, client_id: str, function: str) -> str | None:
    """Who served in this function until now."""
    employee_id: str | None = await work.fetch_value(
        "DELETE FROM team WHERE client_id = :client_id AND function = :function RETURNING employee_id",
        client_id=client_id,
        function=function,
    )
    if employee_id is not None:
        await increment_versions(work, [client_id])
    return employee_id


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
    await work.execute(
        REPLACE_TEAMS_SQL, clients=list(teams), teams=[json.dumps(dict(team)) for team in teams.values()]
    )


UPDATE_TEAM_PLACES_SQL = f"""
    WITH asked AS (
        SELECT * FROM unnest(CAST(:clients AS text[]), CAST(:functions AS text[]), CAST(:froms AS text[]),
                             CAST(:tos AS text[])) WITH ORDINALITY AS a (client_id, function, from_id, to_id, nth)
    ), judged AS MATERIALIZED (
        SELECT a.*, t.employee_id AS before, CASE
            WHEN NOT EXISTS (SELECT 1 FROM clients c WHERE c.client_id = a.client_id) THEN 'unknown_client'
            WHEN t.employee_id = a.to_id THEN 'done'
            WHEN t.employee_id IS DISTINCT FROM a.from_id THEN 'not_in_team'
            {work_refusals_sql("p", "p.settling OR p.frozen AND a.to_id <> :leaver")}
            ELSE 'done' END AS outcome
        FROM asked a LEFT JOIN team t USING (client_id, function) LEFT JOIN people p ON p.employee_id = a.to_id
    ), changed AS (
        UPDATE team t SET employee_id = j.to_id FROM judged j
        WHERE t.client_id = j.client_id AND t.function = j.function AND j.outcome = 'done' AND j.before <> j.to_id
        RETURNING t.client_id, t.function
    ), bumped AS (
        UPDATE clients SET version = version + 1 WHERE client_id IN (SELECT client_id FROM changed)
    )
    SELECT j.client_id, j.function, j.from_id, j.to_id, j.outcome, ch.client_id IS NOT NULL AS has_changed
    FROM judged j LEFT JOIN changed ch USING (client_id, function) ORDER BY nth
"""


async def update_team_places(
    work: UnitOfWork, handovers: Sequence[tuple[str, str, str, str]], leaver_id: str, case_id: str | None = None
) -> list[TeamPlaceOutcome]:
    """Gives places `(client_id, function, from_id, to_id)` to others, with one leaf.

    Of those who are frozen only the case's leaver may be given a place: theirs, back, before they are unfrozen.
    """
    client_ids, functions, from_ids, to_ids = ([handover[part] for handover in handovers] for part in range(4))
    outcomes = await work.fetch_all(
        TeamPlaceOutcome,
        UPDATE_TEAM_PLACES_SQL,
        clients=client_ids,
        functions=functions,
        froms=from_ids,
        tos=to_ids,
        leaver=leaver_id,
    )
    changed = [outcome for outcome in outcomes if outcome.has_changed]
    if changed:
        await insert_clients_entry(
            work,
            "team.placed",
            "edit",
            "service",
            [outcome.client_id for outcome in changed],
            {**({"case_id": case_id} if case_id else {}), "functions": [outcome.function for outcome in changed]},
            sorted({id for outcome in changed for id in (outcome.from_id, outcome.to_id)}),
        )
    return outcomes


async def list_team_places(work: UnitOfWork, employee_id: str, limit: int) -> list[TeamPlace]:
    """Whom this person serves in which function."""
    return await work.fetch_all(
        TeamPlace,
        "SELECT client_id, function, employee_id FROM team WHERE employee_id = :id ORDER BY 1, 2 LIMIT :limit",
        id=employee_id,
        limit=limit,
    )


async def list_employees_in_places(work: UnitOfWork, places: Sequence[TeamPlace]) -> set[str]:
    """Who serves these clients in these functions now."""
    found = await work.fetch_values(
        """
        SELECT DISTINCT employee_id FROM team
        JOIN unnest(CAST(:client_id AS text[]), CAST(:function AS text[])) AS r (client_id, function)
        USING (client_id, function)
        """,
        **to_columns(places, "client_id", "function"),
    )
    return set(found)


async def merge_teams(work: UnitOfWork, client_id: str, into_id: str) -> None:
    """Functions that are vacant at the other client are taken over; the others are given up."""
    await work.execute(
        """
        WITH places AS (
            DELETE FROM team WHERE client_id = :client_id RETURNING function, employee_id
        )
        INSERT INTO team (client_id, function, employee_id) SELECT :into_id, function, employee_id FROM places
        ON CONFLICT DO NOTHING
        """,
        client_id=client_id,
        into_id=into_id,
    )
