"""Publishes the present state again, for a service that comes late."""

from services.offboarding.handlers.opening import introduction_event, task_event, visit_event
from shared.contracts.offboarding import OffboardingStarted, TaskOpened
from shared.database import UnitOfWork
from shared.service import Runtime

BATCH = 500


async def republish(runtime: Runtime) -> int:
    """Every case that is not cancelled, and what is open in it; returns how many events that is."""
    sent, after = 0, ""
    while True:
        events, last = await runtime.transact(_repeat, after)
        sent += events
        if last is None:
            return sent
        after = last


async def _repeat(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    rows = await work.fetch_rows(
        "SELECT * FROM cases WHERE id > :after AND status <> 'cancelled' ORDER BY id LIMIT :batch",
        after=after,
        batch=BATCH,
    )
    by_id = {row["id"]: row for row in rows}
    for row in rows:
        work.publish(
            OffboardingStarted(
                case_id=row["id"],
                employee_id=row["employee_id"],
                employment_id=row["employment_id"],
                last_day=row["last_day"],
            )
        )
    tasks = await work.fetch_rows("SELECT * FROM tasks WHERE case_id = ANY(:ids) AND status = 'open'", ids=list(by_id))
    visits = await work.fetch_rows(
        "SELECT * FROM visits WHERE case_id = ANY(:ids) AND status = 'open'", ids=list(by_id)
    )
    introductions = await work.fetch_rows(
        """
        SELECT * FROM introductions WHERE case_id = ANY(:ids)
        AND status IN ('proposed', 'accepted', 'briefed', 'introduced')
        """,
        ids=list(by_id),
    )
    work.publish(
        *(task_event(TaskOpened, by_id[one["case_id"]], one) for one in tasks),
        *(visit_event(by_id[one["case_id"]], one) for one in visits),
        *(introduction_event(by_id[one["case_id"]], one) for one in introductions),
    )
    return len(work.outgoing), rows[-1]["id"] if len(rows) == BATCH else None
