"""What happens to an order: its stages are started, completed and given to people; it is cancelled."""

from collections.abc import Container
from datetime import date

from services.orders.domain.days import AddDays
from services.orders.domain.orders import Order, Stage, about_order, about_stage, closed, given
from shared.contracts.orders import (
    OrderCancelled,
    OrderDelivered,
    OrderEvent,
    StageAssigned,
    StageCompleted,
    StageEvent,
    StageStarted,
)
from shared.errors import Refused


class OrderClosed(Refused, code="order_closed"):
    """This order is delivered or cancelled: nothing of it changes any more."""


class StageHeld(Refused, code="stage_held"):
    """Whoever does this stage is frozen. A head gives it to somebody else, or a pass for the client releases it."""


class StageWaits(Refused, code="stage_waits"):
    """The stage before this one is not completed yet."""


class NotStarted(Refused, code="not_started"):
    """This stage has not been started. Start it first."""


class StageCompletedAlready(Refused, code="stage_completed_already"):
    """This stage is completed: who did it stays as it is."""


class NobodyAssigned(Refused, code="nobody_assigned"):
    """Nobody does this stage yet. Assign it first."""


def start(order: Order, name: str, today: date) -> tuple[Order, list[StageEvent]]:
    """Again: nothing happens. Raises `NoSuchStage`, `OrderClosed`, `StageHeld`, `StageWaits`, `NobodyAssigned`."""
    stage = order.stage(name)
    if stage.status in ("started", "completed"):
        return order, []
    _must_be_workable(order, stage)
    if stage.status == "waiting":
        raise StageWaits
    if stage.employee_id is None:
        raise NobodyAssigned
    order = _with(order, stage._replace(status="started", started_on=today))
    return order, [StageStarted(**about_stage(order, name))]


def complete(order: Order, name: str, today: date, add: AddDays) -> tuple[Order, list[StageEvent | OrderEvent]]:
    """Again: nothing happens. Raises `NoSuchStage`, `OrderClosed`, `StageHeld`, `StageWaits`, `NotStarted`."""
    stage = order.stage(name)
    if stage.status == "completed":
        return order, []
    _must_be_workable(order, stage)
    if stage.status != "started":
        raise StageWaits if stage.status == "waiting" else NotStarted
    done = stage._replace(status="completed", open=False, completed_on=today)
    position = order.stages.index(stage)
    following = list(order.stages[position + 1 :])
    starts_on = today
    for index, later in enumerate(following):
        later = later._replace(starts_on=starts_on, due_on=add(starts_on, later.days))
        if index == 0:
            later = _made_ready(later)
        following[index] = later
        starts_on = later.due_on
    order = order._replace(stages=(*order.stages[:position], done, *following), version=order.version + 1)
    events: list[StageEvent | OrderEvent] = []
    if not following:
        order = order._replace(status="delivered", delivered_on=today)
        events.append(OrderDelivered(**about_order(order)))
    return order, [StageCompleted(**about_stage(order, name)), *events]


def assign(order: Order, name: str, employee_id: str | None) -> tuple[Order, list[StageEvent]]:
    """Gives a stage to somebody; whoever may be given it is asked elsewhere. A held stage leaves `held`.

    Raises `NoSuchStage`, `OrderClosed`, `StageCompletedAlready`.
    """
    stage = order.stage(name)
    if order.status != "open":
        raise OrderClosed
    if stage.status == "completed":
        raise StageCompletedAlready
    if stage.employee_id == employee_id:
        return order, []
    order = _with(order, given(stage, employee_id))
    return order, [StageAssigned(**about_stage(order, name))]


def returned(order: Order, leaver: str, stand_in: str | None, functions: Container[str]) -> Order:
    """What the leaver of an ended employment still has goes to the stand-in, who works in `functions`.

    Where the stand-in does not work in the function, or does a stage that must be in different hands, it waits for a head.
    """
    version = order.version + 1
    for stage in order.stages:
        if stage.open and stage.employee_id == leaver:
            fits = stage.function in functions and not any(
                other.employee_id == stand_in for other in order.stages if other.name in stage.apart
            )
            order = _with(order, given(stage, stand_in if fits else None))
    return order._replace(version=version)


def cancel(order: Order, today: date) -> tuple[Order, list[OrderEvent]]:
    """Again: nothing happens. Raises `OrderClosed`."""
    if order.status == "cancelled":
        return order, []
    if order.status == "delivered":
        raise OrderClosed
    order = closed(order, today)._replace(version=order.version + 1)
    return order, [OrderCancelled(**about_order(order))]


def _must_be_workable(order: Order, stage: Stage) -> None:
    if order.status != "open":
        raise OrderClosed
    if stage.status == "held":
        raise StageHeld


def _made_ready(stage: Stage) -> Stage:
    # A held stage becomes ready behind its freeze, so that whoever gets it may start at once.
    if stage.status == "held":
        return stage._replace(held_from="ready" if stage.held_from == "waiting" else stage.held_from)
    return stage._replace(status="ready") if stage.status == "waiting" else stage


def _with(order: Order, changed: Stage) -> Order:
    stages = tuple(changed if stage.name == changed.name else stage for stage in order.stages)
    return order._replace(stages=stages, version=order.version + 1)
