"""Sales curves, delivery, and what clients brought in a period."""

from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, model_validator

from services.orders.figures import handlers, rules, store
from shared.http.door import Door, allow
from shared.http.fields import Body, Day, Total
from shared.ids import Id

router = APIRouter(tags=["figures"])


class TrendEvidence(BaseModel):
    """A straight line through `months` months: its `change` over that time and twice its standard error, both as parts of
    the `mean` month; none with too few months."""

    months: int
    mean: Total
    change: float | None
    uncertainty: float | None


class SalesCurve(BaseModel):
    """`plateau`: at most 15 % up or down over the whole time, and sure of it; beyond that `growth` or `decline`, if the line
    is surer than its change; else `unclear`, also with fewer than 6 months. `proposal`: stages that others could take."""

    employee_id: str
    phase: rules.SalesPhase
    months: list[rules.SalesMonth]
    evidence: TrendEvidence
    proposal: list[handlers.DelegableStage]


class ClientFiguresBody(Body):
    """Days, both inclusive."""

    client_ids: list[Id] = Field(max_length=1000)
    first: Day = Field(alias="from")
    last: Day = Field(alias="until")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError("`until` must not be before `from`")
        return self


class ClientFiguresList(BaseModel):
    items: list[store.ClientFigures]


@router.get("/sales-curves/{employee_id}", response_model=SalesCurve, summary="Growth, plateau or decline of a seller")
async def get_sales_curve(
    employee_id: Id, door: Door = allow("employee", "sales_head", "director", "service")
) -> handlers.EmployeeSalesCurve:
    return await door.read(handlers.get_sales_curve, door.principal, door.is_frozen, employee_id)


@router.get("/delivery", summary="On time, repeat orders")
async def get_delivery_figures(
    client_id: Annotated[Id | None, Query()] = None, door: Door = allow("employee", "sales_head", "director", "service")
) -> store.DeliveryFigures:
    return await door.read(store.get_delivery_figures, door.principal, door.is_frozen, client_id)


@router.post("/figures", response_model=ClientFiguresList, summary="Revenue and delivery of clients in a period")
async def list_client_figures(
    body: ClientFiguresBody, door: Door = allow("service")
) -> dict[str, list[store.ClientFigures]]:
    async def read() -> list[store.ClientFigures]:
        return await door.read(store.list_client_figures, body.client_ids, body.first, body.last)

    return {"items": await door.run_once(read)}
