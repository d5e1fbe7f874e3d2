"""The visits of cases."""

from collections.abc import Sequence

from services.offboarding.permissions.rules import Row, Viewer
from services.offboarding.permissions.store import IS_HEAD, list_page
from shared.database import UnitOfWork
from shared.paging import Paging

SERVES = f"({IS_HEAD} OR :director OR t.assignee_id = :actor)"

LIST_VISITS_SQL = f"""
    SELECT t.id, t.case_id, c.employee_id AS leaver_id, t.client_id, t.rank, t.due_on, t.assignee_id, t.status, t.outcome,
           t.opened_at, t.closed_at, CASE WHEN {SERVES} THEN t.why ELSE '[]' END AS why, CASE WHEN {SERVES} THEN t.note END AS note
    FROM visits t JOIN cases c ON c.id = t.case_id WHERE NOT :frozen AND (:all OR {IS_HEAD} OR t.assignee_id = :actor)
    AND (CAST(:assignee_id AS text) IS NULL OR t.assignee_id = :assignee_id)
    AND (CAST(:case_id AS text) IS NULL OR t.case_id = :case_id) AND (CAST(:after AS text) IS NULL OR t.id > :after)
    ORDER BY t.id LIMIT :fetch
"""


async def list_visits(
    work: UnitOfWork, viewer: Viewer, paging: Paging, assignee_id: str | None, case_id: str | None
) -> Sequence[Row]:
    return await list_page(work, viewer, LIST_VISITS_SQL, paging, assignee_id=assignee_id, case_id=case_id)
