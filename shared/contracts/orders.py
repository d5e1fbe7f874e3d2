"""What `orders` publishes and obeys."""

from datetime import date
from typing import ClassVar, Literal

from shared.messages import Command, Event, Message, MessagePart, list_messages

StageStatus = Literal["waiting", "ready", "started", "completed", "held"]


class StageState(MessagePart):
    stage: str
    function: str
    employee_id: str | None = None
    status: StageStatus


class OrderState(MessagePart):
    """The public state of an order. `sequence` counts the changes of that order, also across bulk events."""

    order_id: str
    client_id: str
    flow_id: str
    value: str
    origin: Literal["own", "brokered"]
    status: Literal["open", "delivered", "cancelled"]
    placed_on: date
    promised_on: date | None = None
    delivered_on: date | None = None
    cancelled_on: date | None = None
    stages: list[StageState] = []
    sequence: int


class OrderEvent(Event):
    """One order (`order_id`, `client_id`, `value` and the whole `order`) or, in bulk, `items` of up to 1,000."""

    order_id: str | None = None
    client_id: str | None = None
    value: str | None = None
    order: OrderState | None = None
    batch_id: str | None = None
    items: list[OrderState] = []

    @property
    def subject(self) -> str:
        return f"order/{self.order_id}" if self.order_id else f"batch/{self.batch_id}"

    def states(self) -> list[OrderState]:
        return [self.order] if self.order else self.items


class OrderPlaced(OrderEvent):
    type: ClassVar[str] = "order.placed"


class OrderDelivered(OrderEvent):
    type: ClassVar[str] = "order.delivered"


class OrderCancelled(OrderEvent):
    type: ClassVar[str] = "order.cancelled"


class StageEvent(Event):
    aggregate: ClassVar[str] = "order"
    order_id: str
    stage: str
    client_id: str
    employee_id: str | None = None
    order: OrderState


class StageAssigned(StageEvent):
    type: ClassVar[str] = "stage.assigned"


class StageStarted(StageEvent):
    type: ClassVar[str] = "stage.started"


class StageCompleted(StageEvent):
    type: ClassVar[str] = "stage.completed"


class StagesEvent(Event):
    aggregate: ClassVar[str] = "employee"
    employee_id: str
    case_id: str | None = None


class StagesFrozen(StagesEvent):
    type: ClassVar[str] = "stages.frozen"
    stages: int


class StagesUnfrozen(StagesEvent):
    type: ClassVar[str] = "stages.unfrozen"
    stages: int


class StageOwner(MessagePart):
    """Who does a stage from now on; `sequence` is the order's."""

    order_id: str
    stage: str
    client_id: str
    employee_id: str
    status: StageStatus
    sequence: int


class StagesTransferred(StagesEvent):
    """Up to 1,000 stages of one employee given to others; `to` counts them per successor.

    `orders` holds the whole state of each order: what is told of it under its own key may arrive before or after.
    """

    type: ClassVar[str] = "stages.transferred"
    to: dict[str, int]
    items: list[StageOwner] = []
    orders: list[OrderState] = []


class OrdersCommand(Command):
    receiver: ClassVar[str] = "orders"


class FreezeStages(OrdersCommand):
    type: ClassVar[str] = "freeze_stages"
    employment_id: str
    ref: str
    caretakers: list[str] = []


class UnfreezeStages(OrdersCommand):
    type: ClassVar[str] = "unfreeze_stages"
    employment_id: str
    ref: str


class StageMove(MessagePart):
    order_id: str
    stage: str
    from_id: str
    to_id: str


class TransferStages(OrdersCommand):
    """Up to 1,000 moves of open stages; a result for each, named `<order_id>/<stage>`.

    `to_caretaker`: what nobody else could take. Their capacity refuses none; what they may not do goes to nobody.
    """

    type: ClassVar[str] = "transfer_stages"
    items: list[StageMove]
    to_caretaker: bool = False


EVENTS = list_messages(globals(), Event)
MESSAGES = list_messages(globals(), Message)
