"""The open stages of whoever is frozen are held, in the transaction of the freeze, whatever announced it; passes release them."""

from services.orders.freezes import rules, store
from services.orders.orders.store import (
    count_held_stages,
    hold_or_release_stages,
    lock_orders_with_open_stages,
    update_orders,
)
from services.orders.stages.handlers import publish_and_journal_moved_stages
from shared.contracts.clients import AccessFrozen, AccessUnfrozen, Ground, PassEvent, PassGranted
from shared.contracts.orders import FreezeStages, StagesFrozen, StagesUnfrozen, UnfreezeStages
from shared.contracts.staff import EmployeeEvent
from shared.database import UnitOfWork
from shared.journal import publish_journal_entry
from shared.messages import Envelope
from shared.people.handlers import (
    apply_departure_to_freeze,
    apply_emergency_and_incident_freezes,
    end_freeze_ground,
    freeze_employee,
)
from shared.people.rules import FreezeOutcome
from shared.people.store import (
    apply_employee_event,
    end_settling,
    get_freeze_state,
    get_person,
    list_settling_employee_ids,
    lock_people,
)
from shared.service import Runtime

SETTLED_AT_ONCE = 1000  # orders


async def on_employee_event(work: UnitOfWork, envelope: Envelope[EmployeeEvent]) -> None:
    caretakers = getattr(envelope.data, "caretakers", None)
    if caretakers is not None:  # all of them at once, in id order: two leavers may be each other's deputies
        await lock_people(work, for_update=[envelope.data.employee_id, *caretakers])
    await apply_employee_event(work, envelope)
    await _apply_freeze(work, await apply_departure_to_freeze(work, envelope))


async def on_access_changed(work: UnitOfWork, envelope: Envelope[AccessFrozen | AccessUnfrozen]) -> None:
    await _apply_freeze(work, await apply_emergency_and_incident_freezes(work, envelope))


async def freeze_stages(work: UnitOfWork, envelope: Envelope[FreezeStages]) -> None:
    """Mostly the event of `staff` was faster; then this binds the freeze to the case."""
    command = envelope.data
    ground = Ground(kind="departure", ref=command.ref)
    freeze = await freeze_employee(
        work, command.employee_id, command.employment_id, ground, command.caretakers, command.case_id
    )
    await hold_or_release_stages(work, [command.employee_id])
    if freeze.frozen:
        await _publish_freeze(work, freeze, command.case_id)


async def unfreeze_stages(work: UnitOfWork, envelope: Envelope[UnfreezeStages]) -> None:
    command = envelope.data
    freeze = await end_freeze_ground(work, command.employee_id, command.employment_id, "departure", command.ref)
    await hold_or_release_stages(work, [command.employee_id])
    await _publish_freeze(work, freeze, command.case_id)


async def settle_rehires(runtime: Runtime) -> bool:
    """Ticker: what is still of record with somebody who was rehired goes to who stood in, in chunks."""
    return await runtime.transact(settle_chunk_of_next_rehire)


async def settle_chunk_of_next_rehire(work: UnitOfWork) -> bool:
    """A chunk of the first who waits; False if nobody does."""
    settling = await list_settling_employee_ids(work)
    leaver = await get_person(work, settling[0]) if settling else None
    if leaver is None:
        return False
    leaver_id, stand_in_id = leaver.employee_id, leaver.stand_in_id
    people = await lock_people(work, for_update=[leaver_id], for_share=[stand_in_id])
    if not people[leaver_id].settling or people[leaver_id].stand_in_id != stand_in_id:
        return True
    before = await lock_orders_with_open_stages(work, leaver_id, SETTLED_AT_ONCE)
    if not before:
        await end_settling(work, leaver_id)
        await _publish_freeze(work, await get_freeze_state(work, leaver_id), None)
        return True
    stand_in = people.get(stand_in_id or "")
    functions = stand_in.functions if stand_in and stand_in.may_be_given_work else {}
    after = {
        id: rules.give_stages_to_stand_in(order, leaver_id, stand_in_id, functions) for id, order in before.items()
    }
    await update_orders(work, list(after.values()))
    publish_and_journal_moved_stages(work, leaver_id, before, after, case_id=None)
    return True


async def on_pass_changed(work: UnitOfWork, envelope: Envelope[PassEvent]) -> None:
    """Only a `work` pass lets somebody go on with stages. One that was withdrawn is never granted again."""
    event = envelope.data
    if event.purpose == "work":
        await lock_people(work, for_update=[event.employee_id])
        await store.upsert_pass(work, event, is_ended=not isinstance(event, PassGranted))
        await hold_or_release_stages(work, [event.employee_id])


async def apply_due_passes(runtime: Runtime) -> bool:
    """Ticker: passes begin and end by themselves."""
    return await runtime.transact(apply_next_passes)


async def apply_next_passes(work: UnitOfWork) -> bool:
    """Begins and ends the due passes of some people; False if none is due."""
    employee_ids = await store.list_employees_with_due_passes(work)
    if employee_ids:
        await lock_people(work, for_update=employee_ids)
        await store.update_due_passes(work, employee_ids)
        await hold_or_release_stages(work, employee_ids)
    return bool(employee_ids)


async def _apply_freeze(work: UnitOfWork, freeze: FreezeOutcome | None) -> None:
    if freeze is None:
        return
    await hold_or_release_stages(work, [freeze.employee_id])
    if freeze.changed:
        await _publish_freeze(work, freeze, freeze.case_id)


async def _publish_freeze(work: UnitOfWork, freeze: FreezeOutcome, case_id: str | None) -> None:
    held = await count_held_stages(work, freeze.employee_id)
    kind = StagesFrozen if freeze.frozen else StagesUnfrozen
    work.publish(kind(employee_id=freeze.employee_id, case_id=case_id, stages=held))
    publish_journal_entry(work, kind.type, freeze.employee_id, stages=held, case_id=case_id)
