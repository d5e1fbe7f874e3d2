"""What `staff` hears: who is frozen in `clients`. And what it says again to those who come late."""

from services.staff.domain.person import public_state
from services.staff.handlers import erasing, policies
from services.staff.handlers.employees import today
from services.staff.store import departments
from services.staff.store.people import person_of
from shared.contracts.clients import AccessFrozen, AccessUnfrozen
from shared.contracts.staff import (
    DepartureHeld,
    DepartureRejected,
    DepartureReversed,
    EmployeeChanged,
    EmployeeLeft,
    EmployeeResigned,
    ResignationChanged,
    ResignationWithdrawn,
)
from shared.database import UnitOfWork
from shared.messages import Envelope
from shared.service import Runtime

BATCH = 500
UNDOING = (ResignationWithdrawn, DepartureReversed, DepartureRejected)
DEPARTURES = (EmployeeResigned, ResignationChanged, EmployeeLeft, DepartureHeld, *UNDOING)


async def hear_access(work: UnitOfWork, envelope: Envelope[AccessFrozen | AccessUnfrozen]) -> None:
    """A freeze binds as long as grounds are left, and only the employment that it was for."""
    event = envelope.data
    if event.grounds:
        await work.execute(
            """
            INSERT INTO frozen_access (employee_id, employment_id) VALUES (:id, :employment)
            ON CONFLICT (employee_id) DO UPDATE SET employment_id = excluded.employment_id
            """,
            id=event.employee_id,
            employment=event.employment_id,
        )
    else:
        await work.execute(
            "DELETE FROM frozen_access WHERE employee_id = :id AND employment_id = :employment",
            id=event.employee_id,
            employment=event.employment_id,
        )


async def republish(runtime: Runtime) -> int:
    """The present state of all departments, employees and policies, in batches; returns the number of events.

    Then the departures that stand, as they were announced: under their id and sequence, by which all know the ground of
    a freeze. Who has heard them does nothing; who comes late freezes.
    """
    events = 0
    for batch in (_departments, _employees, policies.republish_versions, policies.republish_acknowledgements):
        after: str | None = ""
        while after is not None:
            number, after = await runtime.transact(batch, after)
            events += number
    return events + await runtime.transact(_departures)


async def _departments(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    rows = await work.fetch_rows(
        "SELECT * FROM departments WHERE id > :after ORDER BY id LIMIT :batch FOR SHARE", after=after, batch=BATCH
    )
    work.publish(*(departments.changed(row) for row in rows))
    return len(rows), rows[-1]["id"] if rows else None


ANNOUNCE_AGAIN = """
    WITH standing AS (
        SELECT o.id FROM outbox o JOIN employees e ON o.subject = 'employee/' || e.id
        WHERE o.type = ANY(:departures) AND o.body::jsonb ->> 'employment_id' = e.employment_id
          AND (e.status <> 'active' OR EXISTS (
              SELECT 1 FROM holds h WHERE h.id = o.body::jsonb ->> 'hold_id' AND h.state = 'held'))
          AND NOT EXISTS (
              SELECT 1 FROM outbox undone WHERE undone.subject = o.subject AND undone.id > o.id
              AND undone.type = ANY(:undoing)
              AND undone.body::jsonb ->> 'employment_id' = e.employment_id
              AND undone.body::jsonb ->> 'hold_id' IS NOT DISTINCT FROM o.body::jsonb ->> 'hold_id')
        FOR SHARE OF e
    ), taken AS (
        DELETE FROM outbox WHERE id IN (SELECT id FROM standing)
        RETURNING id, event_id, topic, subject, sequence, type, time, cause, traceparent, body
    )
    INSERT INTO outbox (event_id, topic, subject, sequence, type, time, cause, traceparent, body)
    SELECT event_id, topic, subject, sequence, type, time, cause, traceparent, body FROM taken ORDER BY id
"""


async def _departures(work: UnitOfWork) -> int:
    return await work.execute(
        ANNOUNCE_AGAIN,
        departures=[event.type for event in DEPARTURES if event not in UNDOING],
        undoing=[event.type for event in UNDOING],
    )


async def _employees(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    # Locked, so that no newer state gets a lower sequence.
    rows = await work.fetch_rows(
        "SELECT * FROM employees WHERE id > :after ORDER BY id LIMIT :batch FOR UPDATE", after=after, batch=BATCH
    )
    work.publish(*(EmployeeChanged(**public_state(person_of(row), today(work))) for row in rows))
    gone = [row["id"] for row in rows if row["erased_at"] is not None]
    work.publish(*await erasing.announcements(work, gone))  # to who comes back from a restore, with what was erased
    return len(rows), rows[-1]["id"] if rows else None
