"""What orders tell of people and clients: workload, sales curves, delivery."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from services.orders.handlers import reports as handlers
from services.orders.store import reports
from shared.http.door import Door, allow
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["figures"])


class Load(BaseModel):
    """In effort points. Without `employee_id`: what waits for somebody. `queue`: open stages not started yet."""

    employee_id: str | None
    function: str
    load: float
    capacity: float
    queue: int
    over: bool


class SalesMonth(BaseModel):
    month: str
    revenue: str
    orders: int


class Evidence(BaseModel):
    """A straight line through `months` months: its `change` over that time and twice its standard error, both as parts of
    the `mean` month; none with too few months."""

    months: int
    mean: str
    change: float | None
    uncertainty: float | None


class StageToGive(BaseModel):
    order_id: str
    stage: str
    function: str
    could: list[str]


class SalesCurve(BaseModel):
    """`plateau`: at most 15 % up or down over the whole time, and sure of it; beyond that `growth` or `decline`, if the line
    is surer than its change; else `unclear`, also with fewer than 6 months. `proposal`: stages that others could take."""

    employee_id: str
    phase: Literal["growth", "plateau", "decline", "unclear"]
    months: list[SalesMonth]
    evidence: Evidence
    proposal: list[StageToGive]


class Delivery(BaseModel):
    """`late`: open past the promise. `repeat_orders`: those beyond the first of each client. Cancelled ones do not count."""

    client_id: str | None
    clients: int
    orders: int
    delivered: int
    on_time: int
    on_time_share: float | None
    late: int
    repeat_orders: int


@router.get("/workload", response_model=Page[Load], summary="Load, capacity and queue per employee and function")
async def workload(
    paging: Paging = Depends(paging), door: Door = allow("employee", "sales_head", "director", "service")
) -> Any:
    rows = await door.read(reports.workload, door.principal, paging)
    return make_page(rows, paging, key=lambda row: (row["employee_id"] or "", row["function"]))


@router.get("/sales-curves/{employee_id}", response_model=SalesCurve, summary="Growth, plateau or decline of a seller")
async def sales_curve(employee_id: Id, door: Door = allow("employee", "sales_head", "director", "service")) -> Any:
    return await door.read(handlers.sales_curve, door.principal, door.frozen, employee_id)


@router.get("/delivery", response_model=Delivery, summary="On time, repeat orders")
async def delivery(
    client_id: Annotated[Id | None, Query()] = None,
    door: Door = allow("employee", "sales_head", "director", "service"),
) -> Any:
    return await door.read(reports.delivery, door.principal, door.frozen, client_id)
