"""What happens to the stages of one order: started, completed, given to somebody; and the end of an order."""

from collections.abc import Callable
from typing import Any

from services.orders.domain import progress as domain
from services.orders.domain.bench import Bench
from services.orders.domain.orders import Order
from services.orders.handlers.calendar import working_days
from services.orders.handlers.journal import note
from services.orders.handlers.placing import refuse_frozen
from services.orders.store import bench as bench_store
from services.orders.store import orders as store
from services.orders.store import sight
from services.orders.store.views import order_view
from shared.auth import Principal
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound
from shared.people.rules import require_able_to_own
from shared.people.store import heads_person_sql, lock_people

Check = Callable[[int], None]


async def start(work: UnitOfWork, principal: Principal, frozen: bool, order_id: str, name: str) -> dict[str, Any]:
    """By whoever does the stage, a head of theirs, or a service. Raises what `domain.start` raises, `Forbidden`."""
    order = await _for_work(work, principal, frozen, order_id, name)
    order, events = domain.start(order, name, work.today)
    return await _saved(work, order, bool(events), *events)


async def complete(work: UnitOfWork, principal: Principal, frozen: bool, order_id: str, name: str) -> dict[str, Any]:
    """As `start`. The last stage delivers the order."""
    order = await _for_work(work, principal, frozen, order_id, name)
    order, events = domain.complete(order, name, work.today, working_days(work))
    return await _saved(work, order, bool(events), *events)


async def assign(
    work: UnitOfWork, principal: Principal, order_id: str, name: str, employee_id: str, check: Check
) -> dict[str, Any]:
    """Raises `WrongFunction`, `SeparationBreached`, `CapacityBreached` with `could`; `UnknownEmployee`, `NotEmployed`,
    `Frozen`; `Forbidden` where neither the present nor the new one is of the head's departments."""
    named = await bench_store.existing(work, [employee_id])
    rows = await lock_people(work, changing=named, holding=[employee_id, work.actor])
    refuse_frozen(rows, work.actor)
    order = await _visible(work, principal, False, order_id)
    stage = order.stage(name)
    if not principal.has("director", "service") and not await _heads(work, stage.employee_id, employee_id):
        raise Forbidden
    check(order.version)
    changed, events = domain.assign(order, name, employee_id)
    if events:
        require_able_to_own(rows, employee_id)
        today = work.today
        bench = Bench(await bench_store.seats(work, [stage.function], today, [employee_id]))
        refusal = bench.refusal(order, stage, employee_id)
        if refusal is not None:
            everybody = Bench(await bench_store.seats(work, [stage.function], today))
            raise refusal(could=everybody.could(order, stage))
        note(
            work,
            "stage.assigned",
            employee_id,
            order.client_id,
            order_id=order_id,
            stage=name,
            from_id=stage.employee_id,
        )
    return await _saved(work, changed, bool(events), *events)


async def cancel(work: UnitOfWork, principal: Principal, order_id: str, reason: str) -> dict[str, Any]:
    """Raises `OrderClosed` where it is delivered. The reason stays here: it may be personal."""
    rows = await lock_people(work, holding=[work.actor])
    refuse_frozen(rows, work.actor)
    order = await _visible(work, principal, False, order_id)
    order, events = domain.cancel(order, work.today)
    if events:
        await work.execute("UPDATE orders SET cancel_reason = :reason WHERE order_id = :id", id=order_id, reason=reason)
    return await _saved(work, order, bool(events), *events)


async def _for_work(work: UnitOfWork, principal: Principal, frozen: bool, order_id: str, name: str) -> Order:
    rows = await lock_people(work, holding=[work.actor])
    actor = rows.get(work.actor)
    # Under the lock the freeze may be newer than what the door saw; then only a pass leaves the order in sight.
    is_frozen = frozen or bool(actor and actor.frozen)
    order = await _visible(work, principal, is_frozen, order_id)
    stage = order.stage(name)
    if stage.employee_id == work.actor or (principal.has("director", "service") and not is_frozen):
        return order
    if is_frozen or not principal.has("sales_head") or not await _heads(work, stage.employee_id):
        raise Forbidden
    return order


async def _visible(work: UnitOfWork, principal: Principal, frozen: bool, order_id: str) -> Order:
    """Locked for change. Raises `NotFound`."""
    seen = await work.fetch_value(
        f"SELECT 1 FROM orders o WHERE o.order_id = :id AND {sight.visible(principal, frozen)} FOR UPDATE OF o",
        id=order_id,
        actor=work.actor,
        now=work.now,
    )
    if seen is None:
        raise NotFound
    return (await store.load(work, [order_id]))[order_id]


async def _heads(work: UnitOfWork, *employee_ids: str | None) -> bool:
    """Whether the person acting heads one of them."""
    return bool(
        await work.fetch_value(
            f"SELECT 1 FROM people p WHERE p.employee_id = ANY(:ids) AND {heads_person_sql('p')} LIMIT 1",
            ids=[employee_id for employee_id in employee_ids if employee_id],
            actor=work.actor,
        )
    )


async def _saved(work: UnitOfWork, order: Order, changed: bool, *events: Any) -> dict[str, Any]:
    if changed:
        await store.save(work, [order])
        work.publish(*events)
    return order_view(order, work.today)
