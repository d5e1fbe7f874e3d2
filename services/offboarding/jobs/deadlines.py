"""The clock's part in a case: last days that are over, tasks that are due."""

from services.offboarding.handlers import moving
from services.offboarding.handlers.opening import task_event
from services.offboarding.saga import LAST_DAY, Reply
from shared.contracts.offboarding import TaskDue, TaskOverdue
from shared.database import UnitOfWork
from shared.people.store import lock_people
from shared.service import Runtime

AT_ONCE = 500


async def watch(runtime: Runtime) -> bool:
    """Hands on the deadlines that have passed; True where there were any."""
    if await runtime.transact(end_last_day):
        return True  # reminders wait: what was the leaver's is somebody else's now
    due = await runtime.transact(remind)
    stuck = await runtime.transact(count_stuck)
    runtime.metrics.alarm.labels(runtime.name, "case_needs_person").set(stuck)
    return due


async def count_stuck(work: UnitOfWork) -> int:
    return int(await work.fetch_value("SELECT count(*) FROM cases WHERE status = 'needs_person'"))


async def end_last_day(work: UnitOfWork) -> bool:
    """One case whose last day is over. `employee.left` says the same; whichever comes first is heard."""
    found = await work.fetch_row(
        """
        SELECT id, employee_id FROM cases
        WHERE status IN ('open', 'needs_person') AND NOT last_day_over AND undo = '' AND last_day < :today
        ORDER BY last_day, id LIMIT 1
        """,
        today=work.today,
    )
    if found is None:
        return False
    await lock_people(work, changing=[found["employee_id"]])
    row, case = await moving.locked(work, found["id"])
    if row["last_day"] >= work.today:
        return True  # moved since we looked: look again
    after = await moving.reply(work, row, case, Reply(f"{case.id}/{LAST_DAY}"))
    return after is not case


async def remind(work: UnitOfWork) -> bool:
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
