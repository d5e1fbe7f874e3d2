"""Many orders from an export: each created, updated, left unchanged or refused."""

from collections.abc import Mapping, Sequence

from services.orders.copies.store import lock_known_clients
from services.orders.flows.store import list_current_flows
from services.orders.orders.handlers import make_bulk_events
from services.orders.orders.rules import (
    END_EVENTS,
    Order,
    OrderRequest,
    UnknownClient,
    UnknownFlow,
    amend_order,
    build_order,
    staff_order,
)
from services.orders.orders.store import (
    insert_orders,
    list_request_digests,
    lock_orders,
    update_orders,
    update_request_digests,
)
from services.orders.staffing.handlers import lock_roster_with_refusals
from services.orders.staffing.rules import Roster
from shared.calendar import Calendar
from shared.contracts.orders import OrderPlaced
from shared.database import UnitOfWork
from shared.errors import HoldfastError, IdTaken
from shared.http.ndjson import ImportLine, ImportResult
from shared.journal import publish_journal_entry


async def create_or_amend_orders(work: UnitOfWork, requests: Sequence[ImportLine[OrderRequest]]) -> list[ImportResult]:
    """A request is compared with the one last imported. A newer one brings value, dates and end; who does what stays."""
    flows = await list_current_flows(work, {request.flow_id for _, request in requests})
    clients = await lock_known_clients(work, {request.client_id for _, request in requests})
    known = await list_request_digests(work, {request.order_id for _, request in requests})
    calendar = Calendar(work.settings.holidays)
    digests: dict[str, bytes] = {}
    results: dict[int, ImportResult] = {}
    new: dict[int, tuple[OrderRequest, Order]] = {}
    changed: dict[int, OrderRequest] = {}
    for line, request in requests:
        digest = request.digest()
        before = digests.get(request.order_id) or known.get(request.order_id)
        if before == digest:
            results[line] = ImportResult(line, request.order_id, "unchanged")
            continue
        try:
            if request.order_id in digests:
                raise IdTaken
            if request.client_id not in clients:
                raise UnknownClient
            if request.flow_id not in flows:
                raise UnknownFlow
            if before is None:
                order = build_order(request, flows[request.flow_id], work.actor, work.today, calendar)
                new[line] = request, order
            else:
                changed[line] = request
            digests[request.order_id] = digest
        except HoldfastError as refusal:
            results[line] = ImportResult(line, request.order_id, "refused", refusal.code)
    created = await _create_orders(work, new, digests, results)
    amended, ended = await _amend_orders(work, changed, digests, results)
    _publish_imported(work, created, amended, ended)
    return [results[line] for line, _ in requests]


async def _create_orders(
    work: UnitOfWork,
    new: Mapping[int, tuple[OrderRequest, Order]],
    digests: Mapping[str, bytes],
    results: dict[int, ImportResult],
) -> list[Order]:
    """Inserts the new orders, the open ones staffed; adds their results."""
    to_staff = [(request, order) for request, order in new.values() if order.status == "open"]
    functions = {stage.function for _, order in to_staff for stage in order.stages}
    named = {employee_id for request, _ in to_staff for employee_id in request.assignees.values()}
    roster, refusals = (
        await lock_roster_with_refusals(work, functions, named, candidates_per_function=None)
        if to_staff
        else (Roster(()), {})
    )
    created: list[Order] = []
    for line, (request, order) in new.items():
        try:
            created.append(staff_order(order, request.assignees, refusals, roster) if order.status == "open" else order)
            results[line] = ImportResult(line, request.order_id, "created")
        except HoldfastError as refusal:
            results[line] = ImportResult(line, request.order_id, "refused", refusal.code)
    if created:
        await insert_orders(work, created, digests)
    return created


async def _amend_orders(
    work: UnitOfWork,
    changed: Mapping[int, OrderRequest],
    digests: Mapping[str, bytes],
    results: dict[int, ImportResult],
) -> tuple[list[Order], list[Order]]:
    """The orders that go on, and those that have ended just now, as they are then; adds their results."""
    orders = await lock_orders(work, [request.order_id for request in changed.values()]) if changed else {}
    going_on: list[Order] = []
    ended: list[Order] = []
    for line, request in changed.items():
        order = orders[request.order_id]
        try:
            if (order.client_id, order.flow_id) != (request.client_id, request.flow_id):
                raise IdTaken
            amended = amend_order(order, request, work.today)
            (going_on if amended.status == order.status else ended).append(amended)
            results[line] = ImportResult(line, request.order_id, "updated")
        except HoldfastError as refusal:
            results[line] = ImportResult(line, request.order_id, "refused", refusal.code)
    if going_on or ended:
        await update_orders(work, [*going_on, *ended])
        await update_request_digests(work, {order.order_id: digests[order.order_id] for order in (*going_on, *ended)})
    return going_on, ended


def _publish_imported(work: UnitOfWork, created: list[Order], amended: list[Order], ended: list[Order]) -> None:
    """In bulk; the items carry stages and ends, so that a new order is told once also where it is history."""
    work.publish(*make_bulk_events(OrderPlaced, [*created, *amended]))
    for status, kind in END_EVENTS.items():
        work.publish(*make_bulk_events(kind, [order for order in ended if order.status == status]))
    if created or amended or ended:
        publish_journal_entry(work, "orders.imported", orders=len(created), updated=len(amended) + len(ended))
