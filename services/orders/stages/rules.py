"""What happens to the stages of an order: they are started, completed and given to people."""

from datetime import date

from services.orders.orders.rules import Order, OrderClosed, Stage, make_order_event, make_stage_event, plan_due_day
from shared.calendar import Calendar
from shared.contracts.orders import OrderDelivered, OrderEvent, StageAssigned, StageCompleted, StageEvent, StageStarted
from shared.errors import Refused


class StageHeld(Refused, code="stage_held"):
    """Whoever does this stage is frozen. A head gives it to somebody else, or a pass for the client releases it."""


class StageWaits(Refused, code="stage_waits"):
    """The stage before this one is not completed yet."""


class StageNotStarted(Refused, code="not_started"):
    """This stage has not been started. Start it first."""


class StageCompletedAlready(Refused, code="stage_completed_already"):
    """This stage is completed: who did it stays as it is."""


class NobodyAssigned(Refused, code="nobody_assigned"):
    """Nobody does this stage yet. Assign it first."""


def start_stage(order: Order, name: str, today: date) -> tuple[Order, list[StageEvent]]:
    """Again: nothing happens. Raises `NoSuchStage`, `OrderClosed`, `StageHeld`, `StageWaits`, `NobodyAssigned`."""
    stage = order.get_stage(name)
    if stage.status in ("started", "completed"):
        return order, []
    _require_workable(order, stage)
    if stage.status == "waiting":
        raise StageWaits
    if stage.employee_id is None:
        raise NobodyAssigned
    order = order.replace_stage(stage._replace(status="started", started_on=today)).next_version()
    return order, [make_stage_event(StageStarted, order, name)]


def complete_stage(
    order: Order, name: str, today: date, calendar: Calendar
) -> tuple[Order, list[StageEvent | OrderEvent]]:
    """Again: nothing happens. Raises `NoSuchStage`, `OrderClosed`, `StageHeld`, `StageWaits`, `StageNotStarted`."""
    stage = order.get_stage(name)
    if stage.status == "completed":
        return order, []
    _require_workable(order, stage)
    if stage.status != "started":
        raise StageWaits if stage.status == "waiting" else StageNotStarted
    position = order.stages.index(stage)
    order = order.replace_stage(stage._replace(status="completed", open=False, completed_on=today)).next_version()
    following = order.stages[position + 1 :]
    starts_on = today
    for later in following:
        due_on = plan_due_day(starts_on, later.days, calendar)
        later = later._replace(starts_on=starts_on, due_on=due_on)
        order = order.replace_stage(_make_ready(later) if later.name == following[0].name else later)
        starts_on = due_on
    if following:
        return order, [make_stage_event(StageCompleted, order, name)]
    order = order._replace(status="delivered", delivered_on=today)
    return order, [make_stage_event(StageCompleted, order, name), make_order_event(OrderDelivered, order)]


def assign_stage(order: Order, name: str, employee_id: str) -> tuple[Order, list[StageEvent]]:
    """Gives a stage to somebody; who may be given it is decided elsewhere. A held stage leaves `held`.

    Raises `NoSuchStage`, `OrderClosed`, `StageCompletedAlready`.
    """
    stage = order.get_stage(name)
    if order.status != "open":
        raise OrderClosed
    if stage.status == "completed":
        raise StageCompletedAlready
    if stage.employee_id == employee_id:
        return order, []
    order = order.replace_stage(stage.reassign(employee_id)).next_version()
    return order, [make_stage_event(StageAssigned, order, name)]


def _require_workable(order: Order, stage: Stage) -> None:
    if order.status != "open":
        raise OrderClosed
    if stage.status == "held":
        raise StageHeld


def _make_ready(stage: Stage) -> Stage:
    # A held stage becomes ready behind its freeze, so that whoever gets it may start at once.
    if stage.status == "held":
        return stage._replace(held_from="ready" if stage.held_from == "waiting" else stage.held_from)
    return stage._replace(status="ready") if stage.status == "waiting" else stage
