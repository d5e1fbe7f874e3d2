"""An order and its stages: placed, staffed, amended by a newer export, cancelled; with the state that its events carry."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from services.orders.flows.rules import AddWorkingDays, Flow
from shared.contracts.orders import OrderCancelled, OrderDelivered, OrderEvent, OrderPlaced, OrderState, StageStatus
from shared.errors import Forbidden, NotFound, Refused, Unprocessable

Origin = Literal["own", "brokered"]

OrderStatus = Literal["open", "delivered", "cancelled"]

END_EVENTS: Mapping[OrderStatus, type[OrderEvent]] = {"delivered": OrderDelivered, "cancelled": OrderCancelled}


class NoSuchStage(NotFound, code="no_such_stage"):
    """This order has no stage of this name."""


class Stage(NamedTuple):
    """`open` while it weighs on somebody: not completed, its order open. `held_from`: what it was before it was held."""

    name: str
    function: str
    effort: float
    days: int
    apart: tuple[str, ...]
    status: StageStatus
    open: bool
    starts_on: date
    due_on: date
    employee_id: str | None = None
    held_from: StageStatus | None = None
    started_on: date | None = None
    completed_on: date | None = None


class Order(NamedTuple):
    """`planned_on`: when standard durations would have it done; what counts as promised where nothing was."""

    order_id: str
    client_id: str
    flow_id: str
    flow_version: int
    value: Decimal
    origin: Origin
    status: OrderStatus
    placed_on: date
    planned_on: date
    stages: tuple[Stage, ...]
    promised_on: date | None = None
    delivered_on: date | None = None
    cancelled_on: date | None = None
    placed_by: str | None = None
    version: int = 1

    def stage(self, name: str) -> Stage:
        """Raises `NoSuchStage`."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise NoSuchStage

    def is_late(self, today: date) -> bool:
        """Not done by the promised day, or by the planned one where nothing was promised. A cancelled order is never late."""
        return self.status != "cancelled" and (self.promised_on or self.planned_on) < (self.delivered_on or today)


def order_placed_event(order: Order) -> OrderPlaced:
    return OrderPlaced(**order_event_fields(order))


def order_ended_events(order: Order) -> list[OrderEvent]:
    """How an order that is history ended; nothing of one that is open."""
    return [END_EVENTS[order.status](**order_event_fields(order))] if order.status in END_EVENTS else []


def order_state(order: Order) -> OrderState:
    """The public state; the version of the order counts its changes."""
    # Validated in one go: imports make hundreds of thousands of these.
    return OrderState.model_validate(
        {
            "order_id": order.order_id,
            "client_id": order.client_id,
            "flow_id": order.flow_id,
            "value": f"{order.value:.2f}",
            "origin": order.origin,
            "status": order.status,
            "placed_on": order.placed_on,
            "promised_on": order.promised_on,
            "delivered_on": order.delivered_on,
            "cancelled_on": order.cancelled_on,
            "stages": [
                {
                    "stage": stage.name,
                    "function": stage.function,
                    "employee_id": stage.employee_id,
                    "status": stage.status,
                }
                for stage in order.stages
            ],
            "sequence": order.version,
        }
    )


def batch_orders(orders: Iterable[Order], stages: int) -> Iterator[list[Order]]:
    """The orders in parts of at most 1,000 with at most so many stages (one order may have more), to be told at once."""
    bulk: list[Order] = []
    held = 0
    for order in orders:
        if bulk and (len(bulk) == 1_000 or held + len(order.stages) > stages):
            yield bulk
            bulk, held = [], 0
        bulk.append(order)
        held += len(order.stages)
    if bulk:
        yield bulk


def reassign_stage(stage: Stage, employee_id: str | None) -> Stage:
    """The stage in other hands, in the status that it had before it was held."""
    return stage._replace(employee_id=employee_id, status=stage.held_from or stage.status, held_from=None)


def close_order(order: Order, day: date) -> Order:
    stages = tuple(
        stage._replace(open=False, status=stage.held_from or stage.status, held_from=None) for stage in order.stages
    )
    return order._replace(status="cancelled", cancelled_on=day, stages=stages)


def stage_event_fields(order: Order, name: str) -> dict[str, object]:
    return {
        "order_id": order.order_id,
        "stage": name,
        "client_id": order.client_id,
        "employee_id": order.stage(name).employee_id,
        "order": order_state(order),
    }


def order_event_fields(order: Order) -> dict[str, object]:
    current = order_state(order)
    return {"order_id": order.order_id, "client_id": order.client_id, "value": current.value, "order": current}


class DatesOutOfOrder(Unprocessable, code="dates_out_of_order"):
    """An order is promised, delivered or cancelled on the day it is placed or later, and not both delivered and cancelled."""


class EndsInFuture(Unprocessable, code="not_yet"):
    """`delivered_on` and `cancelled_on` are for what has happened: they cannot lie in the future."""


class UnknownStage(Unprocessable, code="unknown_stage"):
    """`assignees` names a stage that the flow of this order does not have."""


class OrderRequest(NamedTuple):
    """What is asked for when an order is placed."""

    order_id: str
    client_id: str
    flow_id: str
    value: Decimal
    origin: Origin
    placed_on: date
    promised_on: date | None = None
    delivered_on: date | None = None
    cancelled_on: date | None = None
    assignees: Mapping[str, str] = {}

    @property
    def is_history(self) -> bool:
        return self.delivered_on is not None or self.cancelled_on is not None


def check_dates(wanted: OrderRequest, today: date) -> None:
    """Raises `DatesOutOfOrder`, `NotYet`."""
    placed, ended = wanted.placed_on, wanted.delivered_on or wanted.cancelled_on
    if (wanted.delivered_on and wanted.cancelled_on) or (wanted.promised_on or placed) < placed:
        raise DatesOutOfOrder
    if ended is None:
        return
    if ended < placed:
        raise DatesOutOfOrder
    # One day more: the caller's day may have begun before the company's.
    if ended > today + timedelta(days=1):
        raise EndsInFuture


def build_order(wanted: OrderRequest, flow: Flow, placed_by: str, today: date, add: AddWorkingDays) -> Order:
    """The order as wanted, open with nobody assigned yet; or history, as it was, where it says when it ended.

    Raises `DatesOutOfOrder`, `NotYet`, `UnknownStage`.
    """
    check_dates(wanted, today)
    names = {stage.name for stage in flow.stages}
    if not names.issuperset(wanted.assignees):
        raise UnknownStage
    is_open = not wanted.is_history
    stages = []
    starts_on = wanted.placed_on
    for position, step in enumerate(flow.stages):
        due_on = add(starts_on, step.days)
        status: StageStatus = "ready" if position == 0 else "waiting"
        stages.append(
            Stage(
                step.name,
                step.function,
                step.effort,
                step.days,
                flow.apart[step.name],
                "completed" if wanted.delivered_on else status,
                is_open,
                starts_on,
                due_on,
                employee_id=None if is_open else wanted.assignees.get(step.name),
                completed_on=wanted.delivered_on,
            )
        )
        starts_on = due_on
    return Order(
        wanted.order_id,
        wanted.client_id,
        flow.flow_id,
        flow.version,
        wanted.value,
        wanted.origin,
        "open" if is_open else "delivered" if wanted.delivered_on else "cancelled",
        wanted.placed_on,
        starts_on,
        tuple(stages),
        wanted.promised_on,
        wanted.delivered_on,
        wanted.cancelled_on,
        placed_by,
    )


def amend_order(order: Order, wanted: OrderRequest, today: date) -> Order:
    """What a newer export says of an order: its value, its promise, its end. Who does what is never changed by it.

    Raises `DatesOutOfOrder`, `NotYet`.
    """
    check_dates(wanted, today)
    order = order._replace(
        value=wanted.value, origin=wanted.origin, placed_on=wanted.placed_on, promised_on=wanted.promised_on
    )
    if order.status == "open" and wanted.delivered_on:
        done = tuple(
            stage._replace(status="completed", held_from=None, open=False, completed_on=wanted.delivered_on)
            if stage.open
            else stage
            for stage in order.stages
        )
        order = order._replace(status="delivered", delivered_on=wanted.delivered_on, stages=done)
    elif order.status == "open" and wanted.cancelled_on:
        order = close_order(order, wanted.cancelled_on)
    return order._replace(version=order.version + 1)


class OrderClosed(Refused, code="order_closed"):
    """This order is delivered or cancelled: nothing of it changes any more."""


def cancel_order(order: Order, today: date) -> tuple[Order, list[OrderEvent]]:
    """Again: nothing happens. Raises `OrderClosed`."""
    if order.status == "cancelled":
        return order, []
    if order.status == "delivered":
        raise OrderClosed
    order = close_order(order, today)._replace(version=order.version + 1)
    return order, [OrderCancelled(**order_event_fields(order))]


def replace_stage(order: Order, changed: Stage) -> Order:
    stages = tuple(changed if stage.name == changed.name else stage for stage in order.stages)
    return order._replace(stages=stages, version=order.version + 1)


class UnknownClient(Unprocessable, code="unknown_client"):
    """No client with this id has been heard of. Register it in `clients` first; it takes a moment to arrive here."""


class NotYourClient(Forbidden, code="not_your_client"):
    """Heads of sales place orders for the clients of the departments that they head."""


class UnknownFlow(Unprocessable, code="unknown_flow"):
    """There is no flow with this id. Create it with `POST /flows` first."""


def digest_request(wanted: OrderRequest) -> bytes:
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
