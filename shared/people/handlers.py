"""What freezes: announcements of `staff`, and what `clients` decided by hand."""

from typing import Any

from shared.contracts.clients import AccessFrozen, Ground
from shared.contracts.staff import (
    DepartureHeld,
    DepartureRejected,
    DepartureReversed,
    EmployeeLeft,
    EmployeeResigned,
    ResignationWithdrawn,
)
from shared.database import UnitOfWork
from shared.messages import Envelope
from shared.people.freezes import end_freeze_ground, freeze_employee
from shared.people.rules import FreezeOutcome
from shared.people.store import get_freeze_state


async def apply_departure_to_freeze(work: UnitOfWork, envelope: Envelope[Any]) -> FreezeOutcome | None:
    """The freeze that an announcement asks for: resigned, left, held; or the end of a hold. None: it asks for none.

    Call it after `apply_employee_event`. A departure of an employment that has ended meanwhile freezes nobody.
    """
    event = envelope.data
    sequence = str(envelope.sequence)
    match event:
        case EmployeeResigned():
            ground = Ground(kind="departure", ref=sequence)
        case EmployeeLeft():
            if await work.fetch_value(
                """
                SELECT 1 FROM grounds WHERE employee_id = :id AND employment_id = :employment
                AND kind = 'departure' AND ended_at IS NULL AND reason IS DISTINCT FROM 'withdrawn'
                """,
                id=event.employee_id,
                employment=event.employment_id,
            ):
                return await get_freeze_state(work, event.employee_id)
            ground = Ground(kind="departure", ref=sequence)
        case DepartureHeld(freeze=True):
            ground = Ground(kind="hold", ref=event.hold_id)
        case DepartureRejected():
            return await end_freeze_ground(work, event.employee_id, event.employment_id, "hold", event.hold_id)
        case ResignationWithdrawn() | DepartureReversed():
            # Only the saga ends these grounds. Should they leave after all before it has, that is a ground of its own.
            await work.execute(
                """
                UPDATE grounds SET reason = 'withdrawn' WHERE employee_id = :id AND employment_id = :employment
                AND kind = 'departure' AND ended_at IS NULL
                """,
                id=event.employee_id,
                employment=event.employment_id,
            )
            return None
        case _:
            return None
    return await freeze_employee(work, event.employee_id, event.employment_id, ground, event.caretakers)


async def apply_emergency_and_incident_freezes(work: UnitOfWork, envelope: Envelope[Any]) -> FreezeOutcome | None:
    """Follows the freezes that are not departures (emergency, incident), which `clients` decides."""
    event = envelope.data
    state: FreezeOutcome | None = None
    if isinstance(event, AccessFrozen):
        for ground in event.grounds:
            if ground.kind in ("emergency", "incident"):
                caretakers = [event.caretaker_id] if event.caretaker_id else []
                state = await freeze_employee(work, event.employee_id, event.employment_id, ground, caretakers)
    still = {(ground.kind, ground.ref) for ground in event.grounds}
    own = await work.fetch_rows(
        """
        SELECT kind, ref FROM grounds WHERE employee_id = :id AND employment_id = :employment
        AND ended_at IS NULL AND kind IN ('emergency', 'incident')
        """,
        id=event.employee_id,
        employment=event.employment_id,
    )
    for row in own:
        if (row["kind"], row["ref"]) not in still:
            state = await end_freeze_ground(work, event.employee_id, event.employment_id, row["kind"], row["ref"])
    return state
