"""Many orders from an export: each created, updated, left unchanged or refused."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.orders.copies.store import lock_known_clients
from services.orders.flows.handlers import get_working_days
from services.orders.flows.store import list_current_flows
from services.orders.orders.handlers import STAGES_PER_EVENT, publish_journal_entry
from services.orders.orders.rules import (
    END_EVENTS,
    Order,
    OrderRequest,
    UnknownClient,
    UnknownFlow,
    amend_order,
    batch_orders,
    build_order,
    digest_request,
    order_state,
)
from services.orders.orders.store import (
    insert_orders,
    list_request_digests,
    lock_orders,
    update_orders,
    update_request_digests,
)
from services.orders.staffing.handlers import lock_roster
from services.orders.staffing.rules import Roster, staff_order
from shared.contracts.orders import OrderEvent, OrderPlaced
from shared.database import UnitOfWork
from shared.errors import Exists, HoldfastError
from shared.ids import uuid7


async def import_orders(work: UnitOfWork, lines: Sequence[tuple[int, OrderRequest]]) -> list[dict[str, Any]]:
    """Many orders, each `created`, `updated`, `unchanged` or `refused` with a reason.

    A row is compared with the row last imported. A newer one brings value, dates and end; who does what stays.
    """
    today, add = work.today, get_working_days(work)
    flows = await list_current_flows(work, {wanted.flow_id for _, wanted in lines})
    clients = await lock_known_clients(work, {wanted.client_id for _, wanted in lines})
    known = await list_request_digests(work, {wanted.order_id for _, wanted in lines})
    asked: dict[str, bytes] = {}
    outcomes: dict[int, tuple[str, str | None]] = {}
    new: dict[int, tuple[OrderRequest, Order]] = {}
    changed: dict[int, OrderRequest] = {}
    for line, wanted in lines:
        try:
            mark = digest_request(wanted)
            before = asked.get(wanted.order_id) or known.get(wanted.order_id)
            if before == mark:
                outcomes[line] = "unchanged", None
            elif wanted.order_id in asked:
                raise Exists
            elif wanted.client_id not in clients:
                raise UnknownClient
            elif wanted.flow_id not in flows:
                raise UnknownFlow
            elif before is None:
                new[line] = wanted, build_order(wanted, flows[wanted.flow_id], work.actor, today, add)
                asked[wanted.order_id] = mark
            else:
                changed[line] = wanted
                asked[wanted.order_id] = mark
        except HoldfastError as refusal:
            outcomes[line] = "refused", refusal.code
    orders = await _staff_new_orders(work, new, outcomes)
    if orders:
        await insert_orders(work, list(orders.values()), asked)
        outcomes |= dict.fromkeys(orders, ("created", None))
    amended = await _amend_orders(work, changed, asked, outcomes)
    _publish_imported(work, list(orders.values()), amended)
    return [
        {"line": line, "id": wanted.order_id, "outcome": outcomes[line][0], "reason": outcomes[line][1]}
        for line, wanted in lines
    ]


async def _staff_new_orders(
    work: UnitOfWork, new: Mapping[int, tuple[OrderRequest, Order]], outcomes: dict[int, tuple[str, str | None]]
) -> dict[int, Order]:
    open_ones = [pair for pair in new.values() if pair[1].status == "open"]
    bench = Roster(())
    unable: dict[str, type[HoldfastError]] = {}
    if open_ones:
        bench, unable = await lock_roster(
            work, [order for _, order in open_ones], [wanted for wanted, _ in open_ones], proposed=None
        )
    ready: dict[int, Order] = {}
    for line, (wanted, order) in new.items():
        try:
            ready[line] = staff_order(order, wanted.assignees, unable, bench) if order.status == "open" else order
        except HoldfastError as refusal:
            outcomes[line] = "refused", refusal.code
    return ready


async def _amend_orders(
    work: UnitOfWork,
    changed: Mapping[int, OrderRequest],
    asked: Mapping[str, bytes],
    outcomes: dict[int, tuple[str, str | None]],
) -> list[tuple[Order, bool]]:
    """The orders as they are now, each with whether it has ended just now."""
    today = work.today
    orders = await lock_orders(work, [wanted.order_id for wanted in changed.values()]) if changed else {}
    amended: list[tuple[Order, bool]] = []
    for line, wanted in changed.items():
        order = orders[wanted.order_id]
        try:
            if (order.client_id, order.flow_id) != (wanted.client_id, wanted.flow_id):
                raise Exists
            after = amend_order(order, wanted, today)
            amended.append((after, after.status != order.status))
            outcomes[line] = "updated", None
        except HoldfastError as refusal:
            outcomes[line] = "refused", refusal.code
    await update_orders(work, [order for order, _ in amended])
    if amended:
        await update_request_digests(work, {order.order_id: asked[order.order_id] for order, _ in amended})
    return amended


def _publish_imported(work: UnitOfWork, created: Sequence[Order], amended: Sequence[tuple[Order, bool]]) -> None:
    """In bulk; the items carry stages and ends, so that a new order is told once also where it is history."""
    batches: list[tuple[type[OrderEvent], Sequence[Order]]] = [
        (OrderPlaced, [*created, *(order for order, has_ended in amended if not has_ended)])
    ]
    batches += [
        (kind, [order for order, has_ended in amended if has_ended and order.status == status])
        for status, kind in END_EVENTS.items()
    ]
    for kind, orders in batches:
        for bulk in batch_orders(orders, stages=STAGES_PER_EVENT):
            work.publish(kind(batch_id=uuid7(), items=[order_state(order) for order in bulk]))
    if created or amended:
        publish_journal_entry(work, "orders.imported", orders=len(created), updated=len(amended))
