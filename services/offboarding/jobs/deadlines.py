"""The clock's part in a case: last days that are over, tasks that are due."""

from services.offboarding.handlers import moving
from services.offboarding.handlers.opening import task_event
from services.offboarding.saga import LAST_DAY, Reply
from shared import people
from shared.contracts.offboarding import TaskDue, TaskOverdue
from shared.database import UnitOfWork, transact
from shared.service import Runtime

AT_ONCE = 500


async def watch(runtime: Runtime) -> bool:
    """Hands on the deadlines that have passed; True where there were any."""
    if await transact(runtime, end_last_day):
        return True  # reminders wait: what was the leaver's is somebody else's now
    due = await transact(runtime, remind)
    stuck = await transact(runtime, count_stuck)
    runtime.metrics.alarm.labels(runtime.service.name, "case_needs_person").set(stuck)
    return due


async def count_stuck(work: UnitOfWork) -> int:
    return int(await work.scalar("SELECT count(*) FROM cases WHERE status = 'needs_person'"))


async def end_last_day(work: UnitOfWork) -> bool:
    """One case whose last day is over. `employee.left` says the same; whichever comes first is heard."""
    found = await work.row(
        """
        SELECT id, employee_id FROM cases
        WHERE status IN ('open', 'needs_person') AND NOT last_day_over AND undo = '' AND last_day < :today
        ORDER BY last_day, id LIMIT 1
        """,
        today=people.today(work),
    )
    if found is None:
        return False
    await people.lock(work, changing=[found["employee_id"]])
    row, case = await moving.locked(work, found["id"])
    if row["last_day"] >= people.today(work):
        return True  # moved since we looked: look again
    after = await moving.reply(work, row, case, Reply(f"{case.id}/{LAST_DAY}"))
    return after is not case


async def remind(work: UnitOfWork) -> bool:
    """`task.due` on the day before and on the day itself, `task.overdue` after it; each once."""
    rows = await work.rows(
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
        today=people.today(work),
        many=AT_ONCE,
    )
    work.publish(
        *(
            task_event(
                TaskOverdue if row["reminded"] == "overdue" else TaskDue,
                {"id": row["case_id"], "employee_id": row["leaver_id"]},
                row,
            )
            for row in rows
        )
    )
    return bool(rows)
