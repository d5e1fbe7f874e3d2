"""Placing and cancelling orders, and the state of every order once more for a service that comes late."""

from typing import Any

from services.orders.copies.store import is_client_headed_by_actor, lock_known_clients
from services.orders.flows.handlers import get_working_days
from services.orders.flows.store import list_current_flows
from services.orders.orders import rules, store
from services.orders.staffing.handlers import CANDIDATES_PER_FUNCTION, lock_roster, refuse_frozen_actor
from services.orders.staffing.rules import staff_order
from shared.auth import Principal
from shared.contracts.clients import JournalEntry
from shared.contracts.orders import OrderPlaced, StageAssigned
from shared.database import UnitOfWork
from shared.errors import Exists
from shared.ids import uuid7
from shared.people.store import lock_people
from shared.service import Runtime

STAGES_PER_EVENT = 5_000  # told at once, so that a message stays far below what a broker takes


async def place_order(work: UnitOfWork, caller: Principal, wanted: rules.OrderRequest) -> dict[str, Any]:
    """Raises `UnknownClient`, `UnknownFlow`, `Exists`, and what the dates and assignees are refused for."""
    today = work.today
    asked = {wanted.order_id: rules.digest_request(wanted)}
    known = await store.list_request_digests(work, asked)
    if not known:
        flow = (await list_current_flows(work, [wanted.flow_id])).get(wanted.flow_id)
        if flow is None:
            raise rules.UnknownFlow
        if not await lock_known_clients(work, [wanted.client_id]):
            raise rules.UnknownClient
        # An open stage lets its doer see the client: a head gives such stages for clients of their departments only.
        if not caller.has("director", "service") and not await is_client_headed_by_actor(work, wanted.client_id):
            raise rules.NotYourClient
        order = rules.build_order(wanted, flow, work.actor, today, get_working_days(work))
        if order.status == "open":
            bench, unable = await lock_roster(work, [order], [wanted], CANDIDATES_PER_FUNCTION)
            order = staff_order(order, wanted.assignees, unable, bench)
        await store.insert_orders(work, [order], asked)
        work.publish(rules.order_placed_event(order), *rules.order_ended_events(order))
        for stage in order.stages:
            if stage.open and stage.employee_id:
                work.publish(StageAssigned.model_validate(rules.stage_event_fields(order, stage.name)))
                publish_journal_entry(
                    work,
                    "stage.assigned",
                    stage.employee_id,
                    order.client_id,
                    order_id=order.order_id,
                    stage=stage.name,
                )
        return store.view_order(order, today)
    if known != asked:
        raise Exists
    return store.view_order((await store.list_orders(work, asked))[wanted.order_id], today)


async def cancel_order(work: UnitOfWork, principal: Principal, order_id: str, reason: str) -> dict[str, Any]:
    """Raises `OrderClosed` where it is delivered. The reason stays here: it may be personal."""
    rows = await lock_people(work, holding=[work.actor])
    refuse_frozen_actor(rows, work.actor)
    order = await store.lock_visible_order(work, principal, False, order_id)
    order, events = rules.cancel_order(order, work.today)
    if events:
        await work.execute("UPDATE orders SET cancel_reason = :reason WHERE order_id = :id", id=order_id, reason=reason)
    return await save_and_publish(work, order, bool(events), *events)


async def save_and_publish(work: UnitOfWork, order: rules.Order, changed: bool, *events: Any) -> dict[str, Any]:
    if changed:
        await store.update_orders(work, [order])
        work.publish(*events)
    return store.view_order(order, work.today)


def publish_journal_entry(
    work: UnitOfWork,
    kind: str,
    employee_id: str | None = None,
    client_id: str | None = None,
    **details: str | int | bool | None,
) -> None:
    work.publish(
        JournalEntry(kind=kind, actor_id=work.actor, employee_id=employee_id, client_id=client_id, details=details)
    )


ORDERS_PER_CHUNK = 1000


async def republish_orders(runtime: Runtime) -> int:
    """Chunk by chunk; receivers let pass what they know by its sequence. Returns the number of events."""
    events, after = 0, ""
    while True:
        told = await runtime.transact(_republish_chunk, after)
        if told is None:
            return events
        after, events = told[0], events + told[1]


async def _republish_chunk(work: UnitOfWork, after: str) -> tuple[str, int] | None:
    """The last of the orders told now, and in how many events; None when there are no more."""
    rows = await work.fetch_rows(
        "SELECT order_id FROM orders WHERE order_id > :after ORDER BY order_id LIMIT :chunk FOR SHARE",
        after=after,
        chunk=ORDERS_PER_CHUNK,
    )
    if not rows:
        return None
    orders = await store.list_orders(work, [row["order_id"] for row in rows])
    parts = [
        [rules.order_state(order) for order in bulk]
        for bulk in rules.batch_orders(orders.values(), stages=STAGES_PER_EVENT)
    ]
    work.publish(*(OrderPlaced(batch_id=uuid7(), items=items) for items in parts))
    return str(rows[-1]["order_id"]), len(parts)
