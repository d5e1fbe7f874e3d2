"""How a case opens tasks and reminds of them; nothing here moves the case."""

from typing import Any

from services.offboarding.assignees.handlers import lock_chosen_assignee
from services.offboarding.assignees.store import get_head_of_sales, get_main_successor, get_manager
from services.offboarding.checklist.rules import checklist_from_json, compute_due_day
from services.offboarding.permissions.rules import Row
from services.offboarding.saga import Case, Item
from services.offboarding.visits.rules import working_day_calendar
from shared.contracts.offboarding import TaskDue, TaskOpened, TaskOverdue
from shared.database import UnitOfWork


async def open_task(work: UnitOfWork, row: Row, case: Case, item: Item) -> None:
    """The task of this item, for whom the checklist names; the leaver's part is the manager's once the last day is over."""
    entry = next(entry for entry in checklist_from_json(row["checklist"]) if entry.kind == item.what)
    assignee = await lock_chosen_assignee(work, lambda: _choose_assignee(work, row, case, entry.who))
    works = working_day_calendar(work.settings.holidays)
    task = await work.fetch_row(
        """
        INSERT INTO tasks (id, case_id, kind, title, who, assignee_id, due_on, status, opened_at)
        VALUES (CAST(md5(:name) AS uuid)::text, :case_id, :kind, :title, :who, :assignee, :due, 'open', :now)
        ON CONFLICT (id) DO NOTHING RETURNING id, kind, assignee_id, due_on
        """,
        name=case.id_of(item),
        case_id=case.id,
        kind=entry.kind,
        title=entry.title,
        who=entry.who,
        assignee=assignee,
        due=compute_due_day(entry, row["notice_on"], row["last_day"], work.today, works),
        now=work.now,
    )
    if task is not None:
        work.publish(make_task_event(TaskOpened, row, task))


async def _choose_assignee(work: UnitOfWork, row: Row, case: Case, who: str) -> str | None:
    leaver: str = row["employee_id"]
    match who:
        case "leaver":
            return await get_manager(work, leaver) if case.last_day_over else leaver
        case "successor":
            return await get_main_successor(work, case.id) or await get_manager(work, leaver)
        case "manager":
            return await get_manager(work, leaver)
        case "sales_head":
            return await get_head_of_sales(work, leaver)
        case _:
            return None


def make_task_event(event: type[Any], row: Row, task: Row) -> Any:
    return event(
        case_id=row["id"],
        employee_id=row["employee_id"],
        task_id=task["id"],
        kind=task["kind"],
        assignee_id=task["assignee_id"],
        due_on=task["due_on"],
    )


REMINDERS_AT_ONCE = 500


async def remind_of_due_tasks(work: UnitOfWork) -> bool:
    """`task.due` on the day before and on the day itself, `task.overdue` after it; each once."""
    rows = await work.fetch_rows(
        """
        WITH late AS (
            SELECT t.id, CASE WHEN t.due_on < :today THEN 'overdue' ELSE 'due' END AS reminded FROM tasks t
            WHERE t.status = 'open' AND (t.due_on < :today AND t.reminded <> 'overdue'
                  OR t.due_on BETWEEN :today AND CAST(:today AS date) + 1 AND t.reminded = '')
            ORDER BY t.due_on, t.id LIMIT :many FOR UPDATE SKIP LOCKED
        )
        UPDATE tasks t SET reminded = late.reminded FROM late, cases c WHERE t.id = late.id AND c.id = t.case_id
        RETURNING t.*, c.employee_id AS leaver_id
        """,
        today=work.today,
        many=REMINDERS_AT_ONCE,
    )
    work.publish(
        *(
            make_task_event(
                TaskOverdue if row["reminded"] == "overdue" else TaskDue,
                {"id": row["case_id"], "employee_id": row["leaver_id"]},
                row,
            )
            for row in rows
        )
    )
    return bool(rows)
