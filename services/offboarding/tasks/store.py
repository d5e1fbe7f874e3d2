"""The tasks of cases."""

from collections.abc import Sequence

from services.offboarding.permissions.rules import Row, Viewer
from services.offboarding.permissions.store import IS_HEAD, list_page
from shared.database import UnitOfWork
from shared.paging import Paging

# What an assignee, the head of sales, a director and hr see of the parts of a case. Who is frozen keeps what the handover
# wants of them, and nothing of the clients that they once took over.
LIST_TASKS_SQL = f"""
    SELECT t.* FROM tasks t JOIN cases c ON c.id = t.case_id
    WHERE (:all OR {IS_HEAD} OR t.assignee_id = :actor AND (NOT :frozen OR t.status = 'open' OR c.employee_id = :actor))
    AND (CAST(:assignee_id AS text) IS NULL OR t.assignee_id = :assignee_id)
    AND (CAST(:case_id AS text) IS NULL OR t.case_id = :case_id) AND (CAST(:after AS text) IS NULL OR t.id > :after)
    ORDER BY t.id LIMIT :fetch
"""


async def list_tasks(
    work: UnitOfWork, viewer: Viewer, paging: Paging, assignee_id: str | None, case_id: str | None
) -> Sequence[Row]:
    return await list_page(work, viewer, LIST_TASKS_SQL, paging, assignee_id=assignee_id, case_id=case_id)
