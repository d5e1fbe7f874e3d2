"""An order and its stages: `waiting → ready → started → completed`, or `held` while whoever does a stage is frozen.

A stage is ready when the one before it is completed; the last one delivers the order. Planned days: a stage starts when the
one before is due and lasts its standard working days; a real completion moves what follows it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple, TypeVar

from services.orders.flows.rules import Flow
from services.orders.staffing.rules import Roster, StageNeed
from shared.calendar import Calendar
from shared.contracts.orders import OrderCancelled, OrderDelivered, OrderEvent, OrderState, StageEvent, StageStatus
from shared.errors import Forbidden, HoldfastError, NotFound, Refused, Unprocessable

Origin = Literal["own", "brokered"]
OrderStatus = Literal["open", "delivered", "cancelled"]
OneOrderEvent = TypeVar("OneOrderEvent", bound=OrderEvent)
OneStageEvent = TypeVar("OneStageEvent", bound=StageEvent)
ORDERS_PER_EVENT, STAGES_PER_EVENT = 1_000, 5_000  # so that a message stays far below what a broker takes
END_EVENTS: Mapping[OrderStatus, type[OrderEvent]] = {"delivered": OrderDelivered, "cancelled": OrderCancelled}


class NoSuchStage(NotFound, code="no_such_stage"):
    """This order has no stage of this name."""


class UnknownClient(Unprocessable, code="unknown_client"):
    """No client with this id has been heard of. Register it in `clients` first; it takes a moment to arrive here."""


class NotYourClient(Forbidden, code="not_your_client"):
    """Heads of sales place orders for the clients of the departments that they head."""


class UnknownFlow(Unprocessable, code="unknown_flow"):
    """There is no flow with this id. Create it with `POST /flows` first."""


class UnknownStageInAssignees(Unprocessable, code="unknown_stage"):
    """`assignees` names a stage that the flow of this order does not have."""


class DatesOutOfOrder(Unprocessable, code="dates_out_of_order"):
    """An order is promised, delivered or cancelled on the day it is placed or later, and not both delivered and cancelled."""


class EndsInFuture(Unprocessable, code="not_yet"):
    """`delivered_on` and `cancelled_on` are for what has happened: they cannot lie in the future."""


class OrderClosed(Refused, code="order_closed"):
    """This order is delivered or cancelled: nothing of it changes any more."""


class Stage(NamedTuple):
    """`open` while it is a load on somebody: not completed, its order open. `held_from`: its status before it was held."""

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

    def reassign(self, employee_id: str | None) -> "Stage":
        """The stage in other hands, in the status that it had before it was held."""
        return self._replace(employee_id=employee_id, status=self.held_from or self.status, held_from=None)


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

    def get_stage(self, name: str) -> Stage:
        """Raises `NoSuchStage`."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise NoSuchStage

    def replace_stage(self, changed: Stage) -> "Order":
        """In the same version: whoever changes an order counts its version up once."""
        return self._replace(stages=tuple(changed if stage.name == changed.name else stage for stage in self.stages))

    def next_version(self) -> "Order":
        return self._replace(version=self.version + 1)

    def get_need(self, stage: Stage) -> StageNeed:
        """What this stage asks of whoever does it."""
        barred = frozenset(
            other.employee_id for other in self.stages if other.employee_id and other.name in stage.apart
        )
        return StageNeed(stage.function, stage.effort, barred)

    def is_late(self, today: date) -> bool:
        """Not done by the promised day, or by the planned one where nothing was promised. A cancelled order is never late."""
        return self.status != "cancelled" and (self.promised_on or self.planned_on) < (self.delivered_on or today)


class OrderToday(NamedTuple):
    """An order, and whether it is late on the day of the answer."""

    order: Order
    is_late: bool


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

    def digest(self) -> bytes:
        """What tells the same order asked for again from another one."""
        asked = [
            self.client_id,
            self.flow_id,
            f"{self.value:.2f}",
            self.origin,
            str(self.placed_on),
            str(self.promised_on),
            str(self.delivered_on),
            str(self.cancelled_on),
            *(f"{stage}/{employee_id}" for stage, employee_id in sorted(self.assignees.items())),
        ]
        return hashlib.sha256("\n".join(asked).encode()).digest()  # no id, name or number has a line break


def check_dates(request: OrderRequest, today: date) -> None:
    """Raises `DatesOutOfOrder`, `EndsInFuture`."""
    placed_on, ended_on = request.placed_on, request.delivered_on or request.cancelled_on
    if (request.delivered_on and request.cancelled_on) or (request.promised_on or placed_on) < placed_on:
        raise DatesOutOfOrder
    if ended_on is None:
        return
    if ended_on < placed_on:
        raise DatesOutOfOrder
    # One day more: the caller's day may have begun before the company's.
    if ended_on > today + timedelta(days=1):
        raise EndsInFuture


def plan_due_day(starts_on: date, days: int, calendar: Calendar) -> date:
    """The day so many working days after the start; a stage without a duration is due on the day itself."""
    return calendar.add_working_days(starts_on, days) if days else starts_on


def build_order(request: OrderRequest, flow: Flow, placed_by: str, today: date, calendar: Calendar) -> Order:
    """The order as asked for, open with nobody assigned yet; or history, as it was, where it says when it ended.

    Raises `DatesOutOfOrder`, `EndsInFuture`, `UnknownStageInAssignees`.
    """
    check_dates(request, today)
    if not {stage.name for stage in flow.stages}.issuperset(request.assignees):
        raise UnknownStageInAssignees
    is_open = not request.is_history
    stages = []
    starts_on = request.placed_on
    for position, step in enumerate(flow.stages):
        due_on = plan_due_day(starts_on, step.days, calendar)
        status: StageStatus = "ready" if position == 0 else "waiting"
        stages.append(
            Stage(
                step.name,
                step.function,
                step.effort,
                step.days,
                flow.apart[step.name],
                "completed" if request.delivered_on else status,
                is_open,
                starts_on,
                due_on,
                employee_id=None if is_open else request.assignees.get(step.name),
                completed_on=request.delivered_on,
            )
        )
        starts_on = due_on
    asked = request._asdict()
    del asked["assignees"]
    return Order(
        **asked,
        flow_version=flow.version,
        status="open" if is_open else "delivered" if request.delivered_on else "cancelled",
        planned_on=starts_on,
        stages=tuple(stages),
        placed_by=placed_by,
    )


def staff_order(
    order: Order, assignees: Mapping[str, str], refusals: Mapping[str, type[HoldfastError]], roster: Roster
) -> Order:
    """A new order with its stages given to whom was named, and the others to the best person with room, or to nobody.

    `refusals`: who may be given nothing, and why. Raises that, `WrongFunction`, `SeparationBreached`, `CapacityBreached`; then
    no load has been added to the roster.
    """
    added: list[tuple[StageNeed, str]] = []
    for stage in order.stages:
        employee_id = assignees.get(stage.name)
        if employee_id is None:
            continue
        need = order.get_need(stage)
        refusal = refusals.get(employee_id) or roster.find_refusal(need, employee_id)
        if refusal is not None:
            for earlier_need, earlier_id in added:
                roster.remove_load(earlier_need, earlier_id)
            raise refusal(could=roster.list_candidates(need))
        order = order.replace_stage(stage._replace(employee_id=employee_id))
        roster.add_load(need, employee_id)
        added.append((need, employee_id))
    for stage in order.stages:
        if stage.employee_id is None:
            need = order.get_need(stage)
            best = roster.pick_best(need)
            if best is not None:
                order = order.replace_stage(stage._replace(employee_id=best))
                roster.add_load(need, best)
    return order


def amend_order(order: Order, request: OrderRequest, today: date) -> Order:
    """What a newer export says of an order: its value, its promise, its end. Who does what is never changed by it.

    Raises `DatesOutOfOrder`, `EndsInFuture`.
    """
    check_dates(request, today)
    order = order.next_version()._replace(
        value=request.value, origin=request.origin, placed_on=request.placed_on, promised_on=request.promised_on
    )
    if order.status == "open" and request.delivered_on:
        stages = tuple(
            stage._replace(status="completed", held_from=None, open=False, completed_on=request.delivered_on)
            if stage.open
            else stage
            for stage in order.stages
        )
        return order._replace(status="delivered", delivered_on=request.delivered_on, stages=stages)
    if order.status == "open" and request.cancelled_on:
        return _close_order(order, request.cancelled_on)
    return order


def cancel_order(order: Order, today: date) -> tuple[Order, list[OrderEvent]]:
    """Again: nothing happens. Raises `OrderClosed`."""
    if order.status == "cancelled":
        return order, []
    if order.status == "delivered":
        raise OrderClosed
    order = _close_order(order, today).next_version()
    return order, [make_order_event(OrderCancelled, order)]


def _close_order(order: Order, day: date) -> Order:
    stages = tuple(stage.reassign(stage.employee_id)._replace(open=False) for stage in order.stages)
    return order._replace(status="cancelled", cancelled_on=day, stages=stages)


def make_order_state(order: Order) -> OrderState:
    """The public state; the version of the order counts its changes."""
    # Validated in one go and from what it needs alone: imports make hundreds of thousands of these.
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


def make_order_event(kind: type[OneOrderEvent], order: Order) -> OneOrderEvent:
    state = make_order_state(order)
    return kind(order_id=order.order_id, client_id=order.client_id, value=state.value, order=state)


def make_stage_event(kind: type[OneStageEvent], order: Order, stage: str) -> OneStageEvent:
    return kind(
        order_id=order.order_id,
        stage=stage,
        client_id=order.client_id,
        employee_id=order.get_stage(stage).employee_id,
        order=make_order_state(order),
    )


def batch_orders(orders: Iterable[Order], max_stages: int = STAGES_PER_EVENT) -> Iterator[list[Order]]:
    """The orders in parts for one event each, with at most `max_stages` in all (one order may have more)."""
    batch: list[Order] = []
    stages_in_batch = 0
    for order in orders:
        if batch and (len(batch) == ORDERS_PER_EVENT or stages_in_batch + len(order.stages) > max_stages):
            yield batch
            batch, stages_in_batch = [], 0
        batch.append(order)
        stages_in_batch += len(order.stages)
    if batch:
        yield batch
