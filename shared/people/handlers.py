"""What freezes: announcements of `staff`, and what `clients` decided by hand."""

from shared.contracts.clients import AccessFrozen, AccessUnfrozen, Ground
from shared.contracts.staff import (
    DepartureHeld,
    DepartureRejected,
    DepartureReversed,
    EmployeeEvent,
    EmployeeLeft,
    EmployeeResigned,
    ResignationWithdrawn,
)
from shared.database import UnitOfWork
from shared.messages import Envelope
from shared.people import store
from shared.people.freezes import end_freeze_ground, freeze_employee
from shared.people.rules import FreezeOutcome


async def apply_departure_to_freeze(work: UnitOfWork, envelope: Envelope[EmployeeEvent]) -> FreezeOutcome | None:
    """The freeze that an announcement asks for: resigned, left, held; or the end of a hold. None: it asks for none.

    Call it after `apply_employee_event`. A departure of an employment that has ended meanwhile freezes nobody.
    """
    event = envelope.data
    sequence = str(envelope.sequence)
    match event:
        case EmployeeResigned():
            ground = Ground(kind="departure", ref=sequence)
        case EmployeeLeft():
            if await store.exists_departure_ground(work, event.employee_id, event.employment_id):
                return await store.get_freeze_state(work, event.employee_id)
            ground = Ground(kind="departure", ref=sequence)
        case DepartureHeld(freeze=True):
            ground = Ground(kind="hold", ref=event.hold_id)
        case DepartureRejected():
            return await end_freeze_ground(work, event.employee_id, event.employment_id, "hold", event.hold_id)
        case ResignationWithdrawn() | DepartureReversed():
            # Only the saga ends these grounds. Should they leave after all before it has, that is a ground of its own.
            await store.update_departure_grounds_withdrawn(work, event.employee_id, event.employment_id)
            return None
        case _:
            return None
    return await freeze_employee(work, event.employee_id, event.employment_id, ground, event.caretakers)


async def apply_emergency_and_incident_freezes(
    work: UnitOfWork, envelope: Envelope[AccessFrozen | AccessUnfrozen]
) -> FreezeOutcome | None:
    """Follows the freezes that are not departures (emergency, incident), which `clients` decides."""
    event = envelope.data
    state: FreezeOutcome | None = None
    if isinstance(event, AccessFrozen):
        for ground in event.grounds:
            if ground.kind in ("emergency", "incident"):
                caretakers = [event.caretaker_id] if event.caretaker_id else []
                state = await freeze_employee(work, event.employee_id, event.employment_id, ground, caretakers)
    for ground in await store.list_emergency_and_incident_grounds(work, event.employee_id, event.employment_id):
        if ground not in event.grounds:
            state = await end_freeze_ground(work, event.employee_id, event.employment_id, ground.kind, ground.ref)
    return state
