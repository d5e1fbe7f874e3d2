"""Placing an order, and what a newer export says of one."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from services.orders.domain.days import AddDays
from services.orders.domain.flows import Flow
from services.orders.domain.orders import Order, Origin, Stage, closed
from shared.contracts.orders import StageStatus
from shared.errors import Unprocessable


class DatesOutOfOrder(Unprocessable, code="dates_out_of_order"):
    """An order is promised, delivered or cancelled on the day it is placed or later, and not both delivered and cancelled."""


class NotYet(Unprocessable, code="not_yet"):
    """`delivered_on` and `cancelled_on` are for what has happened: they cannot lie in the future."""


class UnknownStage(Unprocessable, code="unknown_stage"):
    """`assignees` names a stage that the flow of this order does not have."""


class Wanted(NamedTuple):
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


def check_dates(wanted: Wanted, today: date) -> None:
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
        raise NotYet


def place(wanted: Wanted, flow: Flow, placed_by: str, today: date, add: AddDays) -> Order:
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


def amend(order: Order, wanted: Wanted, today: date) -> Order:
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
        order = closed(order, wanted.cancelled_on)
    return order._replace(version=order.version + 1)
