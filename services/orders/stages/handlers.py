"""Stages are started, completed and assigned, and many of them moved from one person to others."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from services.orders.flows.handlers import get_working_days
from services.orders.orders.handlers import publish_journal_entry, save_and_publish
from services.orders.orders.rules import Order, batch_orders, order_state, stage_event_fields
from services.orders.orders.store import lock_visible_order
from services.orders.staffing.handlers import refuse_frozen_actor
from services.orders.staffing.rules import Roster
from services.orders.staffing.store import heads_any_of, list_capacities, list_known_employees
from services.orders.stages import rules
from shared.auth import Principal
from shared.contracts.orders import StageAssigned, StageOwner, StagesTransferred
from shared.database import UnitOfWork
from shared.errors import Forbidden
from shared.people.rules import require_able_to_own
from shared.people.store import lock_people

VersionCheck = Callable[[int], None]


async def start_stage(work: UnitOfWork, principal: Principal, frozen: bool, order_id: str, name: str) -> dict[str, Any]:
    """By whoever does the stage, a head of theirs, or a service. Raises what `domain.start` raises, `Forbidden`."""
    order = await _lock_order_to_work_on(work, principal, frozen, order_id, name)
    order, events = rules.start_stage(order, name, work.today)
    return await save_and_publish(work, order, bool(events), *events)


async def complete_stage(
    work: UnitOfWork, principal: Principal, frozen: bool, order_id: str, name: str
) -> dict[str, Any]:
    """As `start`. The last stage delivers the order."""
    order = await _lock_order_to_work_on(work, principal, frozen, order_id, name)
    order, events = rules.complete_stage(order, name, work.today, get_working_days(work))
    return await save_and_publish(work, order, bool(events), *events)


async def assign_stage(
    work: UnitOfWork, principal: Principal, order_id: str, name: str, employee_id: str, check: VersionCheck
) -> dict[str, Any]:
    """Raises `WrongFunction`, `SeparationBreached`, `CapacityBreached` with `could`; `UnknownEmployee`, `NotEmployed`,
    `Frozen`; `Forbidden` where neither the present nor the new one is of the head's departments."""
    named = await list_known_employees(work, [employee_id])
    rows = await lock_people(work, changing=named, holding=[employee_id, work.actor])
    refuse_frozen_actor(rows, work.actor)
    order = await lock_visible_order(work, principal, False, order_id)
    stage = order.stage(name)
    if not principal.has("director", "service") and not await heads_any_of(work, stage.employee_id, employee_id):
        raise Forbidden
    check(order.version)
    changed, events = rules.assign_stage(order, name, employee_id)
    if events:
        require_able_to_own(rows, employee_id)
        today = work.today
        bench = Roster(await list_capacities(work, [stage.function], today, [employee_id]))
        refusal = bench.refusal(order, stage, employee_id)
        if refusal is not None:
            everybody = Roster(await list_capacities(work, [stage.function], today))
            raise refusal(could=everybody.could(order, stage))
        publish_journal_entry(
            work,
            "stage.assigned",
            employee_id,
            order.client_id,
            order_id=order_id,
            stage=name,
            from_id=stage.employee_id,
        )
    return await save_and_publish(work, changed, bool(events), *events)


async def _lock_order_to_work_on(
    work: UnitOfWork, principal: Principal, frozen: bool, order_id: str, name: str
) -> Order:
    rows = await lock_people(work, holding=[work.actor])
    actor = rows.get(work.actor)
    # Under the lock the freeze may be newer than what the door saw; then only a pass leaves the order in sight.
    is_frozen = frozen or bool(actor and actor.frozen)
    order = await lock_visible_order(work, principal, is_frozen, order_id)
    stage = order.stage(name)
    if stage.employee_id == work.actor or (principal.has("director", "service") and not is_frozen):
        return order
    if is_frozen or not principal.has("sales_head") or not await heads_any_of(work, stage.employee_id):
        raise Forbidden
    return order


MOVED_STAGES_PER_EVENT = 1000


def publish_moved_stages(
    work: UnitOfWork, leaver: str, before: Mapping[str, Order], after: Mapping[str, Order], case_id: str | None
) -> None:
    """`stages.transferred` and the journal, per successor; `stage.assigned` for what goes to nobody."""
    counts: Counter[str] = Counter()
    for bulk in batch_orders(after.values(), stages=MOVED_STAGES_PER_EVENT):
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
            states = [order_state(order) for order in bulk]
            work.publish(StagesTransferred(employee_id=leaver, case_id=case_id, to=to, items=items, orders=states))
        for order, stage in moved:
            if stage.employee_id is None:
                work.publish(StageAssigned.model_validate(stage_event_fields(order, stage.name)))
                publish_journal_entry(
                    work,
                    "stage.assigned",
                    client_id=order.client_id,
                    from_id=leaver,
                    order_id=order.order_id,
                    stage=stage.name,
                )
        counts += to
    for successor, stages in counts.items():
        publish_journal_entry(work, "stages.transferred", successor, from_id=leaver, stages=stages, case_id=case_id)
