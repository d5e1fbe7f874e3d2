"""The open stages of whoever is frozen are held, in the transaction of the freeze, whatever announced it; passes release them."""

from services.orders.freezes import rules
from services.orders.orders.handlers import publish_journal_entry
from services.orders.orders.store import hold_stages, lock_orders, update_orders
from services.orders.stages.handlers import MOVED_STAGES_PER_EVENT, publish_moved_stages
from shared.contracts.clients import AccessFrozen, AccessUnfrozen, Ground, PassEvent, PassGranted
from shared.contracts.orders import FreezeStages, StagesFrozen, StagesUnfrozen, UnfreezeStages
from shared.contracts.staff import DepartmentChanged, EmployeeEvent
from shared.database import UnitOfWork
from shared.messages import Envelope
from shared.people.freezes import freeze_employee, unfreeze_employee
from shared.people.handlers import follow_access_freeze, freeze_on_departure
from shared.people.rules import FreezeState
from shared.people.store import get_freeze_state, lock_people, save_department, save_employee
from shared.service import Runtime


async def on_employee_changed(work: UnitOfWork, envelope: Envelope[EmployeeEvent]) -> None:
    caretakers = getattr(envelope.data, "caretakers", None)
    if caretakers is not None:  # all of them at once, in id order: two leavers may be each other's deputies
        await lock_people(work, changing=[envelope.data.employee_id, *caretakers])
    await save_employee(work, envelope)
    await _apply_freeze(work, await freeze_on_departure(work, envelope))


async def on_department_changed(work: UnitOfWork, envelope: Envelope[DepartmentChanged]) -> None:
    await save_department(work, envelope)


async def on_access_changed(work: UnitOfWork, envelope: Envelope[AccessFrozen | AccessUnfrozen]) -> None:
    await _apply_freeze(work, await follow_access_freeze(work, envelope))


async def freeze_stages(work: UnitOfWork, envelope: Envelope[FreezeStages]) -> None:
    """Mostly the event of `staff` was faster; then this binds the freeze to the case."""
    command = envelope.data
    ground = Ground(kind="departure", ref=command.ref)
    freeze = await freeze_employee(
        work, command.employee_id, command.employment_id, ground, command.caretakers, command.case_id
    )
    await hold_stages(work, [command.employee_id])
    if freeze.frozen:
        await _publish_freeze(work, freeze, command.case_id)


async def unfreeze_stages(work: UnitOfWork, envelope: Envelope[UnfreezeStages]) -> None:
    command = envelope.data
    freeze = await unfreeze_employee(work, command.employee_id, command.employment_id, "departure", command.ref)
    await hold_stages(work, [command.employee_id])
    await _publish_freeze(work, freeze, command.case_id)


async def settle_rehires(runtime: Runtime) -> bool:
    """Ticker: what is still of record with somebody who was rehired goes to who stood in, in chunks."""
    return await runtime.transact(settle_next_rehire)


async def settle_next_rehire(work: UnitOfWork) -> bool:
    waiting = await work.fetch_row(
        "SELECT employee_id, stand_in_id FROM people WHERE settling ORDER BY employee_id LIMIT 1"
    )
    if waiting is None:
        return False
    leaver, stand_in = waiting["employee_id"], waiting["stand_in_id"]
    rows = await lock_people(work, changing=[leaver], holding=[stand_in])
    if not rows[leaver].settling or rows[leaver].stand_in_id != stand_in:
        return True
    found = await work.fetch_rows(
        "SELECT DISTINCT order_id FROM stages WHERE employee_id = :id AND open ORDER BY order_id LIMIT :chunk",
        id=leaver,
        chunk=MOVED_STAGES_PER_EVENT,
    )
    if not found:
        await _end_settling(work, leaver)
        await _publish_freeze(work, await get_freeze_state(work, leaver), None)
        return True
    orders = await lock_orders(work, [row["order_id"] for row in found])
    functions = {
        function
        for id in (stand_in,)
        if id in rows and rows[id].is_employed and not rows[id].frozen
        for function in rows[id].functions
    }
    after = {id: rules.give_stages_to_stand_in(order, leaver, stand_in, functions) for id, order in orders.items()}
    await update_orders(work, list(after.values()))
    publish_moved_stages(work, leaver, orders, after, case_id=None)
    return True


async def _end_settling(work: UnitOfWork, employee_id: str) -> None:
    # A freeze of the new employment may have come meanwhile; its stand-in stays.
    await work.execute(
        """
        UPDATE people p SET settling = false, frozen = g.any, frozen_at = CASE WHEN g.any THEN p.frozen_at END,
                            stand_in_id = CASE WHEN g.any THEN p.stand_in_id END, unowned = g.any AND p.unowned
        FROM (SELECT EXISTS (SELECT 1 FROM grounds g JOIN people q USING (employee_id, employment_id)
                             WHERE q.employee_id = :id AND g.ended_at IS NULL) AS any) g
        WHERE p.employee_id = :id
        """,
        id=employee_id,
    )


async def _apply_freeze(work: UnitOfWork, freeze: FreezeState | None) -> None:
    if freeze is None:
        return
    await hold_stages(work, [freeze.employee_id])
    if freeze.changed:
        await _publish_freeze(work, freeze, freeze.case_id)


async def _publish_freeze(work: UnitOfWork, freeze: FreezeState, case_id: str | None) -> None:
    held = await work.fetch_value(
        "SELECT count(*) FROM stages WHERE employee_id = :id AND open AND status = 'held'", id=freeze.employee_id
    )
    kind = StagesFrozen if freeze.frozen else StagesUnfrozen
    work.publish(kind(employee_id=freeze.employee_id, case_id=case_id, stages=held))
    publish_journal_entry(work, kind.type, freeze.employee_id, stages=held, case_id=case_id)


async def on_pass_changed(work: UnitOfWork, envelope: Envelope[PassEvent]) -> None:
    """Only a `work` pass lets somebody go on with stages. One that was withdrawn is never granted again."""
    event = envelope.data
    if event.purpose != "work":
        return
    await lock_people(work, changing=[event.employee_id])
    granted = isinstance(event, PassGranted)
    await work.execute(
        """
        INSERT INTO passes AS p (pass_id, employee_id, client_id, from_time, until_time, begun, ended)
        VALUES (:id, :employee_id, :client_id, :from_time, :until_time, CAST(:from_time AS timestamptz) <= :now, :ended)
        ON CONFLICT (pass_id) DO UPDATE SET ended = p.ended OR excluded.ended
        """,
        id=event.pass_id,
        employee_id=event.employee_id,
        client_id=event.client_id,
        from_time=event.from_time,
        until_time=event.until_time,
        now=work.now,
        ended=not granted,
    )
    await hold_stages(work, [event.employee_id])


async def apply_due_passes(runtime: Runtime) -> bool:
    """Ticker: passes begin and end by themselves."""
    return await runtime.transact(apply_next_passes)


async def apply_next_passes(work: UnitOfWork) -> bool:
    due = "NOT ended AND (until_time <= :now OR (NOT begun AND from_time <= :now))"
    found = await work.fetch_rows(
        f"SELECT DISTINCT employee_id FROM passes WHERE {due} ORDER BY employee_id LIMIT 100", now=work.now
    )
    if not found:
        return False
    ids = [row["employee_id"] for row in found]
    await lock_people(work, changing=ids)
    await work.execute(
        f"""
        UPDATE passes SET begun = begun OR from_time <= :now, ended = until_time <= :now
        WHERE {due} AND employee_id = ANY(:ids)
        """,
        now=work.now,
        ids=ids,
    )
    await hold_stages(work, ids)
    return True
