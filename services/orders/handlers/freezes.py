"""Freezes: the open stages of whoever is frozen are held, in the transaction of the freeze, whatever announced it."""

from collections import Counter
from collections.abc import Iterable, Mapping

from services.orders.domain.orders import Order, about_stage, bulks, state
from services.orders.domain.progress import returned
from services.orders.handlers.journal import note
from services.orders.store import orders as store
from shared.contracts.clients import AccessFrozen, AccessUnfrozen, Ground
from shared.contracts.orders import (
    FreezeStages,
    StageAssigned,
    StageOwner,
    StagesFrozen,
    StagesTransferred,
    StagesUnfrozen,
    UnfreezeStages,
)
from shared.contracts.staff import DepartmentChanged, EmployeeEvent
from shared.database import UnitOfWork
from shared.messages import Envelope
from shared.people.freezes import freeze_employee, unfreeze_employee
from shared.people.handlers import follow_access_freeze, freeze_on_departure
from shared.people.rules import FreezeState
from shared.people.store import get_freeze_state, lock_people, save_department, save_employee
from shared.service import Runtime

CHUNK = 1000

# A frozen person's open stage is held unless they work here and a `work` pass for its client runs. What a rehired person
# had before is held until it is written through, whatever passes there were. So this one statement freezes, unfreezes and
# follows passes.
HOLD = """
    WITH wanted AS (
        SELECT s.order_id, s.position, p.settling OR (p.frozen AND (p.status = 'left' OR NOT EXISTS (
                   SELECT 1 FROM passes q WHERE q.employee_id = p.employee_id AND q.client_id = o.client_id
                   AND NOT q.ended AND q.from_time <= :now AND q.until_time > :now))) AS held
        FROM people p JOIN stages s ON s.employee_id = p.employee_id AND s.open JOIN orders o ON o.order_id = s.order_id
        WHERE p.employee_id = ANY(:ids)
    ), turned AS (
        UPDATE stages s SET status = CASE WHEN w.held THEN 'held' ELSE s.held_from END,
                            held_from = CASE WHEN w.held THEN s.status END
        FROM wanted w WHERE s.order_id = w.order_id AND s.position = w.position AND (s.status = 'held') <> w.held
        RETURNING s.order_id
    )
    UPDATE orders SET version = version + 1 WHERE order_id IN (SELECT order_id FROM turned)
"""


async def hear_employee(work: UnitOfWork, envelope: Envelope[EmployeeEvent]) -> None:
    caretakers = getattr(envelope.data, "caretakers", None)
    if caretakers is not None:  # all of them at once, in id order: two leavers may be each other's deputies
        await lock_people(work, changing=[envelope.data.employee_id, *caretakers])
    await save_employee(work, envelope)
    await _follow(work, await freeze_on_departure(work, envelope))


async def hear_department(work: UnitOfWork, envelope: Envelope[DepartmentChanged]) -> None:
    await save_department(work, envelope)


async def hear_access(work: UnitOfWork, envelope: Envelope[AccessFrozen | AccessUnfrozen]) -> None:
    await _follow(work, await follow_access_freeze(work, envelope))


async def freeze_stages(work: UnitOfWork, envelope: Envelope[FreezeStages]) -> None:
    """Mostly the event of `staff` was faster; then this binds the freeze to the case."""
    command = envelope.data
    ground = Ground(kind="departure", ref=command.ref)
    freeze = await freeze_employee(
        work, command.employee_id, command.employment_id, ground, command.caretakers, command.case_id
    )
    await hold(work, [command.employee_id])
    if freeze.frozen:
        await _announce(work, freeze, command.case_id)


async def unfreeze_stages(work: UnitOfWork, envelope: Envelope[UnfreezeStages]) -> None:
    command = envelope.data
    freeze = await unfreeze_employee(work, command.employee_id, command.employment_id, "departure", command.ref)
    await hold(work, [command.employee_id])
    await _announce(work, freeze, command.case_id)


async def hold(work: UnitOfWork, employee_ids: Iterable[str]) -> None:
    """Holds and releases what must be. The rows of these people are locked by the caller."""
    ids = list(employee_ids)
    await work.execute(
        """
        SELECT 1 FROM orders WHERE order_id IN (SELECT order_id FROM stages WHERE employee_id = ANY(:ids) AND open)
        ORDER BY order_id FOR UPDATE
        """,
        ids=ids,
    )
    await work.execute(HOLD, ids=ids, now=work.now)


async def settle(runtime: Runtime) -> bool:
    """Ticker: what is still of record with somebody who was rehired goes to who stood in, in chunks."""
    return await runtime.transact(settle_next)


async def settle_next(work: UnitOfWork) -> bool:
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
        chunk=CHUNK,
    )
    if not found:
        await _settled(work, leaver)
        await _announce(work, await get_freeze_state(work, leaver), None)
        return True
    orders = await store.lock(work, [row["order_id"] for row in found])
    functions = {
        function
        for id in (stand_in,)
        if id in rows and rows[id].is_employed and not rows[id].frozen
        for function in rows[id].functions
    }
    after = {id: returned(order, leaver, stand_in, functions) for id, order in orders.items()}
    await store.save(work, list(after.values()))
    announce_moves(work, leaver, orders, after, case_id=None)
    return True


async def _settled(work: UnitOfWork, employee_id: str) -> None:
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


def announce_moves(
    work: UnitOfWork, leaver: str, before: Mapping[str, Order], after: Mapping[str, Order], case_id: str | None
) -> None:
    """`stages.transferred` and the journal, per successor; `stage.assigned` for what goes to nobody."""
    counts: Counter[str] = Counter()
    for bulk in bulks(after.values(), stages=CHUNK):
        moved = [
            (order, new)
            for order in bulk
            for old, new in zip(before[order.order_id].stages, order.stages, strict=True)
            if old.employee_id != new.employee_id
        ]
        items = [
            StageOwner(
                order_id=order.order_id,
                stage=stage.name,
                client_id=order.client_id,
                employee_id=stage.employee_id,
                status=stage.status,
                sequence=order.version,
            )
            for order, stage in moved
            if stage.employee_id is not None
        ]
        to = Counter(item.employee_id for item in items)
        if items:
            states = [state(order) for order in bulk]
            work.publish(StagesTransferred(employee_id=leaver, case_id=case_id, to=to, items=items, orders=states))
        for order, stage in moved:
            if stage.employee_id is None:
                work.publish(StageAssigned.model_validate(about_stage(order, stage.name)))
                note(
                    work,
                    "stage.assigned",
                    client_id=order.client_id,
                    from_id=leaver,
                    order_id=order.order_id,
                    stage=stage.name,
                )
        counts += to
    for successor, stages in counts.items():
        note(work, "stages.transferred", successor, from_id=leaver, stages=stages, case_id=case_id)


async def _follow(work: UnitOfWork, freeze: FreezeState | None) -> None:
    if freeze is None:
        return
    await hold(work, [freeze.employee_id])
    if freeze.changed:
        await _announce(work, freeze, freeze.case_id)


async def _announce(work: UnitOfWork, freeze: FreezeState, case_id: str | None) -> None:
    held = await work.fetch_value(
        "SELECT count(*) FROM stages WHERE employee_id = :id AND open AND status = 'held'", id=freeze.employee_id
    )
    kind = StagesFrozen if freeze.frozen else StagesUnfrozen
    work.publish(kind(employee_id=freeze.employee_id, case_id=case_id, stages=held))
    note(work, kind.type, freeze.employee_id, stages=held, case_id=case_id)
