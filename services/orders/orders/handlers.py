"""Placing and cancelling orders, and the state of every order once more for a service that comes late."""

from services.orders.copies.store import is_client_headed_by_actor, lock_known_clients
from services.orders.flows.store import list_current_flows
from services.orders.orders import rules, store
from services.orders.staffing.handlers import lock_roster_with_refusals, refuse_frozen_actor
from shared.auth import Principal
from shared.calendar import Calendar
from shared.contracts.orders import OrderEvent, OrderPlaced, StageAssigned, StageEvent
from shared.database import UnitOfWork
from shared.errors import IdTaken
from shared.ids import uuid7
from shared.journal import publish_journal_entry
from shared.outbox.republication import republish_in_batches
from shared.people.store import lock_people
from shared.service import Runtime

# So many people are locked for each function of which a stage names nobody, so that one of them has room under the lock.
CANDIDATES_PER_FUNCTION = 5
REPUBLISHED_AT_ONCE = 1000


async def place_order(work: UnitOfWork, caller: Principal, request: rules.OrderRequest) -> rules.OrderToday:
    """Raises `UnknownClient`, `UnknownFlow`, `NotYourClient`, `IdTaken`, and what dates and assignees are refused for."""
    digest = request.digest()
    known = await store.list_request_digests(work, [request.order_id])
    if not known:
        order = await _staff_new_order(work, caller, request)
        await store.insert_orders(work, [order], {order.order_id: digest})
        _publish_new_order(work, order)
    elif known[request.order_id] == digest:
        order = (await store.list_orders(work, known))[request.order_id]
    else:
        raise IdTaken
    return rules.OrderToday(order, order.is_late(work.today))


async def _staff_new_order(work: UnitOfWork, caller: Principal, request: rules.OrderRequest) -> rules.Order:
    flow = (await list_current_flows(work, [request.flow_id])).get(request.flow_id)
    if flow is None:
        raise rules.UnknownFlow
    if not await lock_known_clients(work, [request.client_id]):
        raise rules.UnknownClient
    # An open stage lets its doer see the client: a head gives such stages for clients of their departments only.
    if not caller.has("director", "service") and not await is_client_headed_by_actor(work, request.client_id):
        raise rules.NotYourClient
    order = rules.build_order(request, flow, work.actor, work.today, Calendar(work.settings.holidays))
    if order.status != "open":
        return order
    functions = {stage.function for stage in order.stages}
    roster, refusals = await lock_roster_with_refusals(
        work, functions, set(request.assignees.values()), CANDIDATES_PER_FUNCTION
    )
    return rules.staff_order(order, request.assignees, refusals, roster)


def _publish_new_order(work: UnitOfWork, order: rules.Order) -> None:
    work.publish(rules.make_order_event(OrderPlaced, order))
    if order.status in rules.END_EVENTS:
        work.publish(rules.make_order_event(rules.END_EVENTS[order.status], order))
    for stage in order.stages:
        if stage.open and stage.employee_id:
            publish_and_journal_assignment(work, order, stage)


def publish_and_journal_assignment(
    work: UnitOfWork, order: rules.Order, stage: rules.Stage, **details: str | None
) -> None:
    """`stage.assigned`, and the same for the journal."""
    work.publish(rules.make_stage_event(StageAssigned, order, stage.name))
    journal_assignment(work, order, stage, **details)


def journal_assignment(work: UnitOfWork, order: rules.Order, stage: rules.Stage, **details: str | None) -> None:
    """Who does a stage from now on, for the journal, with these further details."""
    publish_journal_entry(
        work,
        StageAssigned.type,
        stage.employee_id,
        order.client_id,
        order_id=order.order_id,
        stage=stage.name,
        **details,
    )


async def cancel_order(work: UnitOfWork, principal: Principal, order_id: str, reason: str) -> rules.OrderToday:
    """Raises `OrderClosed` where it is delivered. The reason stays here: it may be personal."""
    refuse_frozen_actor(work, await lock_people(work, for_share=[work.actor]))
    order = await store.lock_visible_order(work, principal, False, order_id)
    order, events = rules.cancel_order(order, work.today)
    if events:
        await store.update_cancel_reason(work, order_id, reason)
    return await save_and_publish_order(work, order, *events)


async def save_and_publish_order(
    work: UnitOfWork, order: rules.Order, *events: StageEvent | OrderEvent
) -> rules.OrderToday:
    """Writes and publishes what happened to an order; without events nothing did."""
    if events:
        await store.update_orders(work, [order])
        work.publish(*events)
    return rules.OrderToday(order, order.is_late(work.today))


async def republish_orders(runtime: Runtime) -> int:
    """The state of every order; receivers let pass what they know by its sequence. Returns the number of events."""
    return await republish_in_batches(runtime, _republish_orders_after)


async def _republish_orders_after(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    orders = list((await store.lock_orders_after(work, after, REPUBLISHED_AT_ONCE)).values())
    events = make_bulk_events(OrderPlaced, orders)
    work.publish(*events)
    return len(events), orders[-1].order_id if orders else None


def make_bulk_events(kind: type[OrderEvent], orders: list[rules.Order]) -> list[OrderEvent]:
    """Events with the states of many orders each."""
    return [
        kind(batch_id=uuid7(), items=[rules.make_order_state(order) for order in batch])
        for batch in rules.batch_orders(orders)
    ]
