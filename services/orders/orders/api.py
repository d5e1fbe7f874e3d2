"""Doors of orders: place, read, cancel."""

from datetime import date
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.orders.orders import handlers, rules, store
from shared.contracts.orders import StageStatus
from shared.http.door import Door, allow
from shared.http.fields import Body, Day, Money, Paragraphs
from shared.ids import Id, uuid7
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["orders"])


class NewOrderBody(Body):
    """With a `delivered_on` or `cancelled_on` it is history, taken as it was."""

    id: Id | None = None
    client_id: Id
    flow_id: Id
    value: Money
    origin: rules.Origin
    placed_on: Day
    promised_on: Day | None = None
    assignees: dict[Id, Id] = Field(default={}, max_length=30, description="stage → employee id")
    delivered_on: Day | None = None
    cancelled_on: Day | None = None

    def make_request(self) -> rules.OrderRequest:
        asked = dict(self)
        return rules.OrderRequest(asked.pop("id") or uuid7(), **asked)


class StageOfOrder(BaseModel):
    """`starts_on` and `due_on` are planned, from standard durations in working days."""

    name: str
    function: str
    effort: float
    days: int
    status: StageStatus
    assignee_id: str | None
    starts_on: date
    due_on: date
    started_on: date | None
    completed_on: date | None


class Order(BaseModel):
    """`late`: not done by the promised day, or by the planned one (`planned_on`) where nothing was promised."""

    id: str
    client_id: str
    flow_id: str
    flow_version: int
    value: str
    origin: rules.Origin
    status: rules.OrderStatus
    placed_on: date
    promised_on: date | None
    planned_on: date
    delivered_on: date | None
    cancelled_on: date | None
    late: bool
    version: int
    stages: list[StageOfOrder]

    @classmethod
    def from_order(cls, found: rules.OrderToday) -> Self:
        order = found.order
        shown = {
            "id": order.order_id,
            "value": f"{order.value:.2f}",
            "late": found.is_late,
            "stages": [{**stage._asdict(), "assignee_id": stage.employee_id} for stage in order.stages],
        }
        return cls.model_validate({**order._asdict(), **shown})


class CancelOrderBody(Body):
    reason: Paragraphs


@router.post("/orders", status_code=201, summary="Place an order")
async def place_order(body: NewOrderBody, door: Door = allow("sales_head", "director", "service")) -> Order:
    """A stage that names nobody goes to whoever has most room in its function, or waits in the queue."""
    order = Order.from_order(await door.transact(handlers.place_order, door.principal, body.make_request()))
    door.set_location("orders", order.id)
    return order


@router.get("/orders", summary="Orders by id")
async def list_orders(
    client_id: Annotated[Id | None, Query()] = None,
    assignee_id: Annotated[Id | None, Query()] = None,
    status: Annotated[Literal["open", "delivered", "cancelled"] | None, Query()] = None,
    late: Annotated[bool | None, Query()] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "sales_head", "director", "service"),
) -> Page[Order]:
    found = await door.read(
        store.list_visible_orders, door.principal, door.is_frozen, paging, client_id, assignee_id, status, late
    )
    return make_page([Order.from_order(order) for order in found], paging, key=lambda order: (order.id,))


@router.get("/orders/{order_id}", summary="An order with its stages")
async def get_order(order_id: Id, door: Door = allow("employee", "sales_head", "director", "service")) -> Order:
    order = Order.from_order(await door.read(store.get_visible_order, door.principal, door.is_frozen, order_id))
    door.set_etag(order.version)
    return order


@router.post("/orders/{order_id}/cancel", summary="Cancel an order")
async def cancel_order(
    order_id: Id, body: CancelOrderBody, door: Door = allow("sales_head", "director", "service")
) -> Order:
    return Order.from_order(await door.transact(handlers.cancel_order, door.principal, order_id, body.reason))
