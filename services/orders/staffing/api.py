"""Load, capacity and queue of everybody by function."""

from fastapi import APIRouter, Depends

from services.orders.staffing import store
from shared.http.door import Door, allow
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["figures"])


@router.get("/workload", summary="Load, capacity and queue per employee and function")
async def list_workload(
    paging: Paging = Depends(paging), door: Door = allow("employee", "sales_head", "director", "service")
) -> Page[store.EmployeeLoad]:
    loads = await door.read(store.list_workload, door.principal, paging)
    return make_page(loads, paging, key=lambda load: (load.employee_id or "", load.function))
