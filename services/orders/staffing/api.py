"""Load, capacity and queue of everybody by function."""

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.orders.staffing import store
from shared.http.door import Door, allow
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["figures"])


class EmployeeLoad(BaseModel):
    """In effort points. Without `employee_id`: what waits for somebody. `queue`: open stages not started yet."""

    employee_id: str | None
    function: str
    load: float
    capacity: float
    queue: int
    over: bool


@router.get(
    "/workload", response_model=Page[EmployeeLoad], summary="Load, capacity and queue per employee and function"
)
async def list_workload(
    paging: Paging = Depends(paging), door: Door = allow("employee", "sales_head", "director", "service")
) -> Any:
    rows = await door.read(store.list_workload, door.principal, paging)
    return make_page(rows, paging, key=lambda row: (row["employee_id"] or "", row["function"]))
