"""An order and its stages: `waiting → ready → started → completed`, or `held` while whoever does it is frozen.

A stage is ready when the one before it is completed; the last one delivers the order. Planned dates: a stage starts
when the one before is due and lasts its standard working days; a real completion moves what follows it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from shared.contracts.orders import (
    OrderCancelled,
    OrderDelivered,
    OrderEvent,
    OrderPlaced,
    OrderState,
    StageStatus,
)
from shared.errors import NotFound

Origin = Literal["own", "brokered"]
OrderStatus = Literal["open", "delivered", "cancelled"]


ENDS: Mapping[OrderStatus, type[OrderEvent]] = {"delivered": OrderDelivered, "cancelled": OrderCancelled}


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


def placed(order: Order) -> OrderPlaced:
    return OrderPlaced(**about_order(order))


def ended(order: Order) -> list[OrderEvent]:
    """How an order that is history ended; nothing of one that is open."""
    return [ENDS[order.status](**about_order(order))] if order.status in ENDS else []


def state(order: Order) -> OrderState:
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


def bulks(orders: Iterable[Order], stages: int) -> Iterator[list[Order]]:
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


def given(stage: Stage, employee_id: str | None) -> Stage:
    """The stage in other hands, in the status that it had before it was held."""
    return stage._replace(employee_id=employee_id, status=stage.held_from or stage.status, held_from=None)


def closed(order: Order, day: date) -> Order:
    stages = tuple(
        stage._replace(open=False, status=stage.held_from or stage.status, held_from=None) for stage in order.stages
    )
    return order._replace(status="cancelled", cancelled_on=day, stages=stages)


def about_stage(order: Order, name: str) -> dict[str, object]:
    return {
        "order_id": order.order_id,
        "stage": name,
        "client_id": order.client_id,
        "employee_id": order.stage(name).employee_id,
        "order": state(order),
    }


def about_order(order: Order) -> dict[str, object]:
    current = state(order)
    return {"order_id": order.order_id, "client_id": order.client_id, "value": current.value, "order": current}
