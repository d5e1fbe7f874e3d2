"""Doors of stages: start, complete, assign."""

from fastapi import APIRouter

from services.orders.orders.api import Order
from services.orders.stages import handlers
from shared.http.door import Door, allow
from shared.http.fields import Body, EmptyBody
from shared.ids import Id

router = APIRouter(tags=["orders"])


class AssigneeBody(Body):
    employee_id: Id


@router.post("/orders/{order_id}/stages/{name}/start", summary="Start a stage")
async def start_stage(
    order_id: Id,
    name: Id,
    body: EmptyBody | None = None,
    door: Door = allow("employee", "sales_head", "director", "service"),
) -> Order:
    return Order.from_order(await door.transact(handlers.start_stage, door.principal, door.is_frozen, order_id, name))


@router.post("/orders/{order_id}/stages/{name}/complete", summary="Complete a stage")
async def complete_stage(
    order_id: Id,
    name: Id,
    body: EmptyBody | None = None,
    door: Door = allow("employee", "sales_head", "director", "service"),
) -> Order:
    """The next stage becomes ready; the last one delivers the order."""
    return Order.from_order(
        await door.transact(handlers.complete_stage, door.principal, door.is_frozen, order_id, name)
    )


@router.put("/orders/{order_id}/stages/{name}/assignee", summary="Give a stage to somebody")
async def assign_stage(
    order_id: Id, name: Id, body: AssigneeBody, door: Door = allow("sales_head", "director", "service")
) -> Order:
    """409 names what forbids it (`separation_breached`, `capacity_breached`, `wrong_function`) and lists who `could`."""
    order = Order.from_order(
        await door.transact(handlers.assign_stage, door.principal, order_id, name, body.employee_id, door.check_version)
    )
    door.set_etag(order.version)
    return order
