"""What offboarding keeps of an employee, and the emptying of free text."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.database import UnitOfWork

PERSONAL_DATA_SQL = """
    WITH own AS (
        SELECT id, status, opened_at, last_day, cleared_at, cancelled_at FROM cases WHERE employee_id = :id
    )
    SELECT (SELECT coalesce(jsonb_agg(to_jsonb(own) ORDER BY opened_at), '[]') FROM own) AS cases,
           (SELECT jsonb_build_object('number', count(*), 'done', count(*) FILTER (WHERE status = 'done'),
                                      'first', min(opened_at), 'last', max(opened_at))
            FROM tasks WHERE :id IN (assignee_id, closed_by)) AS tasks,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'at', closed_at, 'proof', proof) ORDER BY closed_at), '[]')
            FROM tasks WHERE closed_by = :id AND proof IS NOT NULL) AS proofs,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('title', title, 'kind', kind, 'location', location, 'status', status)
                                      ORDER BY listed_at), '[]')
            FROM documents WHERE listed_by = :id AND (:clients OR client_id IS NULL)) AS documents,
           (SELECT jsonb_build_object('listed', count(*) FILTER (WHERE listed_by = :id),
                                      'received', count(*) FILTER (WHERE received_by = :id))
            FROM documents WHERE :id IN (listed_by, received_by)) AS inventory,
           (SELECT jsonb_build_object('as_leaver', count(*) FILTER (WHERE from_id = :id),
                                      'as_successor', count(*) FILTER (WHERE to_id = :id))
            FROM introductions WHERE :id IN (from_id, to_id)) AS introductions,
           (SELECT jsonb_build_object('number', count(*), 'first', min(opened_at), 'last', max(opened_at))
            FROM visits WHERE :id IN (assignee_id, closed_by)) AS visits
"""


async def get_personal_data(work: UnitOfWork, employee_id: str, clients: bool) -> Mapping[str, Any]:
    """Documents about clients only where `clients` may be told of."""
    return await work.fetch_row(PERSONAL_DATA_SQL, id=employee_id, clients=clients) or {}


ERASED = "(erased)"  # where something must stand

# Of the cases of an employee everything, of other cases what they wrote. Titles of tasks are the checklist's, of no person.
ERASE_EMPLOYEE_SQL = """
    WITH own AS (
        SELECT id FROM cases WHERE employee_id = :id
    ), proofs AS (
        UPDATE tasks SET proof = NULL, reason = NULL
        WHERE (case_id IN (SELECT id FROM own) OR closed_by = :id) AND (proof IS NOT NULL OR reason IS NOT NULL) RETURNING 1
    ), inventory AS (
        UPDATE documents SET title = :nobody, location = :nobody, kind = :nobody
        WHERE (case_id IN (SELECT id FROM own) OR listed_by = :id) AND title <> :nobody RETURNING 1
    ), presented AS (
        UPDATE introductions SET brief = NULL, by = NULL, how = NULL, reason = NULL
        WHERE (case_id IN (SELECT id FROM own) OR to_id = :id)
          AND (brief IS NOT NULL OR coalesce(by, how, reason) IS NOT NULL) RETURNING 1
    ), visited AS (
        UPDATE visits SET note = NULL
        WHERE (case_id IN (SELECT id FROM own) OR closed_by = :id) AND note IS NOT NULL RETURNING 1
    ), dropped AS (
        UPDATE case_items SET reason = NULL
        WHERE (case_id IN (SELECT id FROM own) OR settled_by = :id) AND status = 'skipped' AND reason IS NOT NULL RETURNING 1
    )
    SELECT (SELECT count(*) FROM proofs) AS proofs, (SELECT count(*) FROM inventory) AS documents,
           (SELECT count(*) FROM presented) AS introductions, (SELECT count(*) FROM visited) AS visits,
           (SELECT count(*) FROM dropped) AS reasons
"""


async def erase_employee(work: UnitOfWork, employee_id: str) -> dict[str, int]:
    """How many of each kind."""
    return dict(await work.fetch_row(ERASE_EMPLOYEE_SQL, id=employee_id, nobody=ERASED) or {})


ERASE_CLIENT_SQL = """
    WITH inventory AS (
        UPDATE documents SET title = :nobody, location = :nobody, kind = :nobody
        WHERE client_id = ANY(:ids) AND title <> :nobody RETURNING 1
    ), presented AS (
        UPDATE introductions SET brief = NULL, by = NULL, how = NULL, reason = NULL
        WHERE client_id = ANY(:ids) AND (brief IS NOT NULL OR coalesce(by, how, reason) IS NOT NULL) RETURNING 1
    ), visited AS (
        UPDATE visits SET note = NULL WHERE client_id = ANY(:ids) AND note IS NOT NULL RETURNING 1
    )
    SELECT (SELECT count(*) FROM inventory) AS documents, (SELECT count(*) FROM presented) AS introductions,
           (SELECT count(*) FROM visited) AS visits
"""


async def erase_client(work: UnitOfWork, client_ids: Sequence[str]) -> dict[str, int]:
    """How many of each kind, of a client under all its ids."""
    return dict(await work.fetch_row(ERASE_CLIENT_SQL, ids=list(client_ids), nobody=ERASED) or {})


async def list_case_ids(work: UnitOfWork, employee_id: str) -> list[str]:
    return [row["id"] for row in await work.fetch_rows("SELECT id FROM cases WHERE employee_id = :id", id=employee_id)]
