"""Publishing the present state of departments, employees, policies and standing departures again."""

from services.staff.departments.handlers import build_department_changed
from services.staff.departures.rules import DEPARTURE_EVENTS, UNDOING_EVENTS
from services.staff.departures.store import REQUEUE_STANDING_DEPARTURES
from services.staff.employees.handlers import today
from services.staff.employees.rules import build_public_state
from services.staff.employees.store import employee_from_row
from services.staff.erasure.handlers import build_erasure_events
from services.staff.policies.handlers import republish_acknowledgements, republish_policy_versions
from shared.contracts.staff import EmployeeChanged
from shared.database import UnitOfWork
from shared.service import Runtime

BATCH = 500


async def republish_everything(runtime: Runtime) -> int:
    """The present state of all departments, employees and policies, in batches; returns the number of events.

    Then the departures that stand, as they were announced: under their id and sequence, by which all know the ground of
    a freeze. Who has heard them does nothing; who comes late freezes.
    """
    events = 0
    for batch in (_republish_departments, _republish_employees, republish_policy_versions, republish_acknowledgements):
        after: str | None = ""
        while after is not None:
            number, after = await runtime.transact(batch, after)
            events += number
    return events + await runtime.transact(_republish_departures)


async def _republish_departments(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    rows = await work.fetch_rows(
        "SELECT * FROM departments WHERE id > :after ORDER BY id LIMIT :batch FOR SHARE", after=after, batch=BATCH
    )
    work.publish(*(build_department_changed(row) for row in rows))
    return len(rows), rows[-1]["id"] if rows else None


async def _republish_departures(work: UnitOfWork) -> int:
    return await work.execute(
        REQUEUE_STANDING_DEPARTURES,
        departures=[event.type for event in DEPARTURE_EVENTS if event not in UNDOING_EVENTS],
        undoing=[event.type for event in UNDOING_EVENTS],
    )


async def _republish_employees(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    # Locked, so that no newer state gets a lower sequence.
    rows = await work.fetch_rows(
        "SELECT * FROM employees WHERE id > :after ORDER BY id LIMIT :batch FOR UPDATE", after=after, batch=BATCH
    )
    work.publish(*(EmployeeChanged(**build_public_state(employee_from_row(row), today(work))) for row in rows))
    gone = [row["id"] for row in rows if row["erased_at"] is not None]
    work.publish(*await build_erasure_events(work, gone))  # to who comes back from a restore, with what was erased
    return len(rows), rows[-1]["id"] if rows else None
