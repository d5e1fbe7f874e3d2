"""The freeze: a ground is added or ends, and the stand-in comes and goes with it."""

from collections.abc import Sequence
from dataclasses import replace

from shared.contracts.clients import Ground, GroundKind
from shared.database import UnitOfWork
from shared.people import store
from shared.people.rules import FreezeOutcome, choose_caretaker


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
