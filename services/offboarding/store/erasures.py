"""Emptying free text. Rows, ids, dates and words of ours stay: the certificate still says what was done, and when."""

from collections.abc import Sequence

from shared.database import UnitOfWork

NOBODY = "(erased)"  # where something must stand

# Of the cases of an employee everything, of other cases what they wrote. Titles of tasks are the checklist's, of no person.
OF_EMPLOYEE = """
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
    return dict(await work.fetch_row(OF_EMPLOYEE, id=employee_id, nobody=NOBODY) or {})


OF_CLIENT = """
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
    return dict(await work.fetch_row(OF_CLIENT, ids=list(client_ids), nobody=NOBODY) or {})


async def cases_of(work: UnitOfWork, employee_id: str) -> list[str]:
    return [row["id"] for row in await work.fetch_rows("SELECT id FROM cases WHERE employee_id = :id", id=employee_id)]
