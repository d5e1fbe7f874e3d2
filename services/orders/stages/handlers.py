"""Stages are started, completed and assigned, and many of them moved from one person to others."""

from collections import Counter
from collections.abc import Callable, Mapping

from services.orders.orders.handlers import journal_assignment, publish_and_journal_assignment, save_and_publish_order
from services.orders.orders.rules import Order, OrderToday, batch_orders, make_order_state
from services.orders.orders.store import lock_visible_order
from services.orders.staffing.handlers import refuse_frozen_actor
from services.orders.staffing.rules import Roster
from services.orders.staffing.store import list_capacities
from services.orders.stages import rules
from shared.auth import Principal
from shared.calendar import Calendar
from shared.contracts.orders import StageOwner, StagesTransferred
from shared.database import UnitOfWork
from shared.errors import Forbidden
from shared.journal import publish_journal_entry
from shared.people.rules import require_may_be_given_work
from shared.people.store import list_headed_by_actor, lock_people

MOVED_STAGES_PER_EVENT = 1000


async def start_stage(work: UnitOfWork, principal: Principal, frozen: bool, order_id: str, name: str) -> OrderToday:
    """By whoever does the stage, a head of theirs, or a service. Raises what `rules.start_stage` raises, `Forbidden`."""
    order = await _lock_order_to_work_on(work, principal, frozen, order_id, name)
    order, events = rules.start_stage(order, name, work.today)
    return await save_and_publish_order(work, order, *events)


async def complete_stage(work: UnitOfWork, principal: Principal, frozen: bool, order_id: str, name: str) -> OrderToday:
    """As `start_stage`. The last stage delivers the order."""
    order = await _lock_order_to_work_on(work, principal, frozen, order_id, name)
    order, events = rules.complete_stage(order, name, work.today, Calendar(work.settings.holidays))
    return await save_and_publish_order(work, order, *events)


async def assign_stage(
    work: UnitOfWork,
    principal: Principal,
    order_id: str,
    name: str,
    employee_id: str,
    check_version: Callable[[int], None],
) -> OrderToday:
    """Raises `WrongFunction`, `SeparationBreached`, `CapacityBreached` with `could`; `UnknownEmployee`, `NotEmployed`,
    `Frozen`; `Forbidden` where neither the present nor the new one is of the head's departments."""
    people = await lock_people(work, given_work=[employee_id], for_share=[work.actor])
    refuse_frozen_actor(work, people)
    order = await lock_visible_order(work, principal, False, order_id)
    stage = order.get_stage(name)
    may_assign = principal.has("director", "service")
    if not may_assign and not await list_headed_by_actor(work, [stage.employee_id, employee_id]):
        raise Forbidden
    check_version(order.version)
    assigned, events = rules.assign_stage(order, name, employee_id)
    if events:
        require_may_be_given_work(people, employee_id)
        need = order.get_need(stage)
        refusal = Roster(await list_capacities(work, [stage.function], [employee_id])).find_refusal(need, employee_id)
        if refusal is not None:
            raise refusal(could=Roster(await list_capacities(work, [stage.function])).list_candidates(need))
        journal_assignment(work, assigned, assigned.get_stage(name), from_id=stage.employee_id)
    return await save_and_publish_order(work, assigned, *events)


async def _lock_order_to_work_on(
    work: UnitOfWork, principal: Principal, frozen: bool, order_id: str, name: str
) -> Order:
    actor = (await lock_people(work, for_share=[work.actor])).get(work.actor)
    # Under the lock the freeze may be newer than what the door saw; then only a pass leaves the order in sight.
    is_frozen = frozen or bool(actor and actor.frozen)
    order = await lock_visible_order(work, principal, is_frozen, order_id)
    assignee_id = order.get_stage(name).employee_id
    if assignee_id == work.actor or (principal.has("director", "service") and not is_frozen):
        return order
    if is_frozen or not principal.has("sales_head") or not await list_headed_by_actor(work, [assignee_id]):
        raise Forbidden
    return order


def publish_and_journal_moved_stages(
    work: UnitOfWork, leaver_id: str, before: Mapping[str, Order], after: Mapping[str, Order], case_id: str | None
) -> None:
    """`stages.transferred` and the journal, per successor; `stage.assigned` for what goes to nobody."""
    moved_to: Counter[str] = Counter()
    for batch in batch_orders(after.values(), max_stages=MOVED_STAGES_PER_EVENT):
        moved = [
            (order, new)
            for order in batch
            for old, new in zip(before[order.order_id].stages, order.stages, strict=True)
            if old.employee_id != new.employee_id
        ]
        owners = [
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
        if owners:
            to = Counter(owner.employee_id for owner in owners)
            states = [make_order_state(order) for order in batch]
            work.publish(StagesTransferred(employee_id=leaver_id, case_id=case_id, to=to, items=owners, orders=states))
            moved_to += to
        for order, stage in moved:
            if stage.employee_id is None:
                publish_and_journal_assignment(work, order, stage, from_id=leaver_id)
    for successor_id, stages in moved_to.items():
        publish_journal_entry(
            work, StagesTransferred.type, successor_id, from_id=leaver_id, stages=stages, case_id=case_id
        )
