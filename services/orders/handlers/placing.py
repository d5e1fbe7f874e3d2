"""New orders, one from the door or many from an import: the same rules, the same statements."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from services.orders.domain.bench import Bench, Seat, staffed
from services.orders.domain.orders import ENDS, Order, about_stage, bulks, ended, placed, state
from services.orders.domain.placing import Wanted, amend, place
from services.orders.handlers.calendar import working_days
from services.orders.handlers.journal import note
from services.orders.store import bench as bench_store
from services.orders.store import flows as flow_store
from services.orders.store import orders as store
from services.orders.store.views import order_view
from shared.auth import Principal
from shared.contracts.orders import OrderEvent, OrderPlaced, StageAssigned
from shared.database import UnitOfWork
from shared.errors import Exists, Forbidden, HoldfastError, Unprocessable
from shared.ids import uuid7
from shared.people.rules import Frozen, Person, require_able_to_own
from shared.people.store import lock_people

BULK_STAGES = 5_000  # told at once, so that a message stays far below what a broker takes
PROPOSED = 5  # candidates that are locked per stage that names nobody, so that one of them has room under the lock


class UnknownClient(Unprocessable, code="unknown_client"):
    """No client with this id has been heard of. Register it in `clients` first; it takes a moment to arrive here."""


class NotYourClient(Forbidden, code="not_your_client"):
    """Heads of sales place orders for the clients of the departments that they head."""


class UnknownFlow(Unprocessable, code="unknown_flow"):
    """There is no flow with this id. Create it with `POST /flows` first."""


def digest(wanted: Wanted) -> bytes:
    """What tells the same order asked for again from another one."""
    asked = [
        wanted.client_id,
        wanted.flow_id,
        f"{wanted.value:.2f}",
        wanted.origin,
        str(wanted.placed_on),
        str(wanted.promised_on),
        str(wanted.delivered_on),
        str(wanted.cancelled_on),
        *(f"{stage}/{employee_id}" for stage, employee_id in sorted(wanted.assignees.items())),
    ]
    return hashlib.sha256("\n".join(asked).encode()).digest()  # no id, name or number has a line break


async def place_order(work: UnitOfWork, caller: Principal, wanted: Wanted) -> dict[str, Any]:
    """Raises `UnknownClient`, `UnknownFlow`, `Exists`, and what the dates and assignees are refused for."""
    today = work.today
    asked = {wanted.order_id: digest(wanted)}
    known = await store.asked(work, asked)
    if not known:
        flow = (await flow_store.current(work, [wanted.flow_id])).get(wanted.flow_id)
        if flow is None:
            raise UnknownFlow
        if not await bench_store.known_clients(work, [wanted.client_id]):
            raise UnknownClient
        # An open stage lets its doer see the client: a head gives such stages for clients of their departments only.
        if not caller.has("director", "service") and not await bench_store.heads_client(work, wanted.client_id):
            raise NotYourClient
        order = place(wanted, flow, work.actor, today, working_days(work))
        if order.status == "open":
            bench, unable = await _bench(work, [order], [wanted], PROPOSED)
            order = staffed(order, wanted.assignees, unable, bench)
        await store.add(work, [order], asked)
        work.publish(placed(order), *ended(order))
        for stage in order.stages:
            if stage.open and stage.employee_id:
                work.publish(StageAssigned.model_validate(about_stage(order, stage.name)))
                note(
                    work,
                    "stage.assigned",
                    stage.employee_id,
                    order.client_id,
                    order_id=order.order_id,
                    stage=stage.name,
                )
        return order_view(order, today)
    if known != asked:
        raise Exists
    return order_view((await store.load(work, asked))[wanted.order_id], today)


async def import_orders(work: UnitOfWork, lines: Sequence[tuple[int, Wanted]]) -> list[dict[str, Any]]:
    """Many orders, each `created`, `updated`, `unchanged` or `refused` with a reason.

    A row is compared with the row last imported. A newer one brings value, dates and end; who does what stays.
    """
    today, add = work.today, working_days(work)
    flows = await flow_store.current(work, {wanted.flow_id for _, wanted in lines})
    clients = await bench_store.known_clients(work, {wanted.client_id for _, wanted in lines})
    known = await store.asked(work, {wanted.order_id for _, wanted in lines})
    asked: dict[str, bytes] = {}
    outcomes: dict[int, tuple[str, str | None]] = {}
    new: dict[int, tuple[Wanted, Order]] = {}
    changed: dict[int, Wanted] = {}
    for line, wanted in lines:
        try:
            mark = digest(wanted)
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
                new[line] = wanted, place(wanted, flows[wanted.flow_id], work.actor, today, add)
                asked[wanted.order_id] = mark
            else:
                changed[line] = wanted
                asked[wanted.order_id] = mark
        except HoldfastError as refusal:
            outcomes[line] = "refused", refusal.code
    orders = await _staff_new(work, new, outcomes)
    if orders:
        await store.add(work, list(orders.values()), asked)
        outcomes |= dict.fromkeys(orders, ("created", None))
    amended = await _amend(work, changed, asked, outcomes)
    _announce(work, list(orders.values()), amended)
    return [
        {"line": line, "id": wanted.order_id, "outcome": outcomes[line][0], "reason": outcomes[line][1]}
        for line, wanted in lines
    ]


async def _staff_new(
    work: UnitOfWork, new: Mapping[int, tuple[Wanted, Order]], outcomes: dict[int, tuple[str, str | None]]
) -> dict[int, Order]:
    open_ones = [pair for pair in new.values() if pair[1].status == "open"]
    bench = Bench(())
    unable: dict[str, type[HoldfastError]] = {}
    if open_ones:
        bench, unable = await _bench(
            work, [order for _, order in open_ones], [wanted for wanted, _ in open_ones], proposed=None
        )
    ready: dict[int, Order] = {}
    for line, (wanted, order) in new.items():
        try:
            ready[line] = staffed(order, wanted.assignees, unable, bench) if order.status == "open" else order
        except HoldfastError as refusal:
            outcomes[line] = "refused", refusal.code
    return ready


async def _amend(
    work: UnitOfWork,
    changed: Mapping[int, Wanted],
    asked: Mapping[str, bytes],
    outcomes: dict[int, tuple[str, str | None]],
) -> list[tuple[Order, bool]]:
    """The orders as they are now, each with whether it has ended just now."""
    today = work.today
    orders = await store.lock(work, [wanted.order_id for wanted in changed.values()]) if changed else {}
    amended: list[tuple[Order, bool]] = []
    for line, wanted in changed.items():
        order = orders[wanted.order_id]
        try:
            if (order.client_id, order.flow_id) != (wanted.client_id, wanted.flow_id):
                raise Exists
            after = amend(order, wanted, today)
            amended.append((after, after.status != order.status))
            outcomes[line] = "updated", None
        except HoldfastError as refusal:
            outcomes[line] = "refused", refusal.code
    await store.save(work, [order for order, _ in amended])
    if amended:
        await store.set_asked(work, {order.order_id: asked[order.order_id] for order, _ in amended})
    return amended


def _announce(work: UnitOfWork, created: Sequence[Order], amended: Sequence[tuple[Order, bool]]) -> None:
    """In bulk; the items carry stages and ends, so that a new order is told once also where it is history."""
    batches: list[tuple[type[OrderEvent], Sequence[Order]]] = [
        (OrderPlaced, [*created, *(order for order, has_ended in amended if not has_ended)])
    ]
    batches += [
        (kind, [order for order, has_ended in amended if has_ended and order.status == status])
        for status, kind in ENDS.items()
    ]
    for kind, orders in batches:
        for bulk in bulks(orders, stages=BULK_STAGES):
            work.publish(kind(batch_id=uuid7(), items=[state(order) for order in bulk]))
    if created or amended:
        note(work, "orders.imported", orders=len(created), updated=len(amended))


async def _bench(
    work: UnitOfWork, orders: Sequence[Order], wanted: Sequence[Wanted], proposed: int | None
) -> tuple[Bench, dict[str, type[HoldfastError]]]:
    """Locks everybody who is named and who may be chosen (the `proposed` best per function; None: all); then counts.

    Two assignments that want the last room of the same person wait for each other here, and the second one sees it taken.
    """
    today = work.today
    named = {employee_id for one in wanted for employee_id in one.assignees.values()}
    functions = {stage.function for order in orders for stage in order.stages}
    candidates = await bench_store.seats(work, functions, today)
    chosen = _most_room(candidates, proposed)
    rows = await lock_people(
        work, changing=chosen | await bench_store.existing(work, named), holding=[*named, work.actor]
    )
    refuse_frozen(rows, work.actor)
    unable: dict[str, type[HoldfastError]] = {}
    for employee_id in named:
        try:
            require_able_to_own(rows, employee_id)
        except HoldfastError as refusal:
            unable[employee_id] = type(refusal)
    return Bench(await bench_store.seats(work, functions, today, rows)), unable


def _most_room(seats: Sequence[Seat], limit: int | None) -> set[str]:
    by_function: dict[str, list[Seat]] = {}
    for seat in seats:
        if seat.present and seat.load < seat.capacity:
            by_function.setdefault(seat.function, []).append(seat)
    return {
        seat.employee_id
        for group in by_function.values()
        for seat in sorted(group, key=lambda seat: (seat.fill, seat.employee_id))[:limit]
    }


def refuse_frozen(rows: Mapping[str, Person], actor: str) -> None:
    """The freeze of the person acting, under the lock: the door may have asked a moment too early."""
    if actor in rows and rows[actor].frozen:
        raise Frozen
