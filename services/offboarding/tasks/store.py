"""The tasks of cases."""

import json
from collections.abc import Sequence
from datetime import date

from services.offboarding.permissions.rules import Viewer, require_found
from services.offboarding.permissions.store import IS_HEAD, list_page
from services.offboarding.tasks.rules import Task
from shared.database import UnitOfWork
from shared.paging import Paging

SELECT_TASK = "SELECT t.*, c.employee_id AS leaver_id FROM tasks t JOIN cases c ON c.id = t.case_id"


async def list_tasks(
    work: UnitOfWork, viewer: Viewer, paging: Paging, assignee_id: str | None, case_id: str | None
) -> list[Task]:
    """A page for an assignee, the head of sales, a director or hr. Who is frozen keeps what the handover wants of them, and
    nothing of the clients that they once took over."""
    return await list_page(
        work,
        viewer,
        Task,
        f"""
        {SELECT_TASK}
        WHERE (:all OR {IS_HEAD} OR t.assignee_id = :actor AND (NOT :frozen OR t.status = 'open' OR c.employee_id = :actor))
        AND (CAST(:assignee_id AS text) IS NULL OR t.assignee_id = :assignee_id)
        AND (CAST(:case_id AS text) IS NULL OR t.case_id = :case_id) AND (CAST(:after AS text) IS NULL OR t.id > :after)
        ORDER BY t.id LIMIT :fetch
        """,
        paging,
        assignee_id=assignee_id,
        case_id=case_id,
    )


async def get_task(work: UnitOfWork, task_id: str) -> Task:
    """Raises `NotFound`."""
    return require_found(await work.fetch_one(Task, f"{SELECT_TASK} WHERE t.id = :id", id=task_id))


async def lock_task(work: UnitOfWork, task_id: str) -> Task:
    """Raises `NotFound`."""
    return require_found(await work.fetch_one(Task, f"{SELECT_TASK} WHERE t.id = :id FOR UPDATE OF t", id=task_id))


async def lock_open_tasks(work: UnitOfWork, case_ids: Sequence[str]) -> list[Task]:
    return await work.fetch_all(
        Task,
        f"{SELECT_TASK} WHERE t.case_id = ANY(:ids) AND t.status = 'open' ORDER BY t.id FOR UPDATE OF t",
        ids=list(case_ids),
    )


async def lock_open_tasks_in_cases_of_others(work: UnitOfWork, assignee_id: str) -> list[Task]:
    """What this assignee has to do in the cases of others."""
    return await work.fetch_all(
        Task,
        f"""
        {SELECT_TASK} WHERE t.assignee_id = :assignee_id AND t.status = 'open' AND c.employee_id <> :assignee_id
        ORDER BY t.id FOR UPDATE OF t
        """,
        assignee_id=assignee_id,
    )


async def lock_tasks_to_remind_of(work: UnitOfWork, today: date, limit: int) -> list[Task]:
    """Those that are due today, tomorrow or overdue, and of which nobody has been reminded so. Those locked wait."""
    return await work.fetch_all(
        Task,
        f"""
        {SELECT_TASK} WHERE t.status = 'open' AND (t.due_on < :today AND t.reminded <> 'overdue'
              OR t.due_on BETWEEN :today AND CAST(:today AS date) + 1 AND t.reminded = '')
        ORDER BY t.due_on, t.id LIMIT :limit FOR UPDATE OF t SKIP LOCKED
        """,
        today=today,
        limit=limit,
    )


async def insert_task(
    work: UnitOfWork, item_id: str, case_id: str, kind: str, title: str, who: str, assignee_id: str | None, due_on: date
) -> Task | None:
    """One task per item of the case; None where there is one."""
    return await work.fetch_one(
        Task,
        """
        WITH inserted AS (
            INSERT INTO tasks (id, case_id, kind, title, who, assignee_id, due_on, status, opened_at)
            VALUES (CAST(md5(:item_id) AS uuid)::text, :case_id, :kind, :title, :who, :assignee_id, :due_on, 'open', :now)
            ON CONFLICT (id) DO NOTHING RETURNING *
        )
        SELECT t.*, c.employee_id AS leaver_id FROM inserted t JOIN cases c ON c.id = t.case_id
        """,
        item_id=item_id,
        case_id=case_id,
        kind=kind,
        title=title,
        who=who,
        assignee_id=assignee_id,
        due_on=due_on,
    )


async def update_tasks(work: UnitOfWork, tasks: Sequence[Task]) -> None:
    """Writes what may change of a task."""
    if tasks:
        await work.execute(
            """
            UPDATE tasks t SET assignee_id = n.assignee_id, due_on = n.due_on, status = n.status, proof = n.proof,
                   reason = n.reason, reminded = n.reminded, closed_at = n.closed_at, closed_by = n.closed_by
            FROM jsonb_populate_recordset(CAST(NULL AS tasks), CAST(:tasks AS jsonb)) AS n
            WHERE t.id = n.id
            """,
            tasks=json.dumps([vars(task) for task in tasks], default=str),
        )


async def erase_task_texts(work: UnitOfWork, case_ids: Sequence[str], employee_id: str) -> int:
    """Proofs and reasons of these cases, and what this person wrote anywhere. How many. Titles are the checklist's."""
    return await work.execute(
        """
        UPDATE tasks SET proof = NULL, reason = NULL
        WHERE (case_id = ANY(:cases) OR closed_by = :id) AND (proof IS NOT NULL OR reason IS NOT NULL)
        """,
        cases=list(case_ids),
        id=employee_id,
    )
