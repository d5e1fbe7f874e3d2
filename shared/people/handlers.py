"""Who is frozen: a ground is added or ends, and the stand-in comes and goes with it; and whose word asks for that."""

from collections.abc import Sequence
from dataclasses import replace

from shared.contracts.clients import AccessFrozen, AccessUnfrozen, Ground, GroundKind
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
from shared.people.rules import FreezeOutcome, choose_caretaker


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


async def freeze_employee(
    work: UnitOfWork,
    employee_id: str,
    employment_id: str | None,
    ground: Ground,
    caretakers: Sequence[str],
    case_id: str | None = None,
    reason: str | None = None,
) -> FreezeOutcome:
    """Adds a ground. With the first one everything of this person is in the stand-in's hands, as one row.

    Idempotent: the same ground again, or one that has ended, adds nothing; a `case_id` binds the ground to the case.
    Whoever had this person as stand-in gets this person's stand-in.
    """
    people = await store.lock_people(work, for_update=[employee_id, *caretakers])
    before = people[employee_id]
    employment = employment_id or before.employment_id or ""
    if before.employment_id is None:
        await store.update_employment(work, employee_id, employment)
    added = await store.insert_ground(work, employee_id, employment, ground, case_id, reason)
    if added and (before.employment_id or employment) == employment:
        stand_in = before.stand_in_id or choose_caretaker(people, caretakers, employee_id, work.today)
        await store.update_person_frozen(work, employee_id, stand_in)
    return await store.get_freeze_state(work, employee_id, changed=added)


async def end_freeze_ground(
    work: UnitOfWork, employee_id: str, employment_id: str, ground_kind: GroundKind, ground_ref: str | None
) -> FreezeOutcome:
    """Ends a ground (all of this kind if `ground_ref` is None). With the last one go the freeze and the stand-in.

    The stand-in of a rehired person stays until everything of before is written through.
    """
    before = (await store.lock_people(work, for_update=[employee_id]))[employee_id]
    ended = await store.update_grounds_ended(work, employee_id, employment_id, ground_kind, ground_ref)
    state = await store.get_freeze_state(work, employee_id, changed=ended > 0)
    if before.frozen and not state.frozen:
        return replace(state, stand_in_id=before.stand_in_id, frozen_at=before.frozen_at)
    return state
