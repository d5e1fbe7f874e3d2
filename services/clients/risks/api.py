"""What hangs on one person alone."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from services.clients.journal.api import require_journal_space_at_door
from services.clients.risks import handlers, store
from shared.http.door import Door, allow
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["risk"], dependencies=[Depends(require_journal_space_at_door)])


class SingleThreadedClientPage(Page[store.SingleThreadedClient]):
    computed_at: datetime | None = Field(description="when this was last computed for all clients")


@router.get("/risk/clients", summary="Clients that only one of us knows, the most valuable first")
async def list_single_threaded_clients(
    owner_id: Annotated[Id | None, Query(description="acting owner")] = None,
    department_id: Annotated[Id | None, Query(description="of the acting owner, with those below it")] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "sales_head", "director", "service"),
) -> SingleThreadedClientPage:
    found, computation = await door.transact(
        handlers.list_single_threaded_clients, door.principal.roles, paging, owner_id, department_id
    )
    page = make_page(found, paging, lambda client: (f"{client.value:.2f}", client.client_id))
    return SingleThreadedClientPage(**dict(page), computed_at=computation.at if computation else None)


@router.get("/risk/employees/{employee_id}", summary="What hangs on this person alone")
async def read_employee_risk(
    employee_id: Id, door: Door = allow("employee", "sales_head", "director", "hr", "service")
) -> store.EmployeeRisk:
    return await door.transact(handlers.read_employee_risk, employee_id, door.principal.roles)


@router.post(
    "/risk/recompute",
    summary="Compute it now; else it is done every night, in a small company for whoever looks",
)
async def recompute_single_threaded_clients(door: Door = allow("ops")) -> store.RisksRecomputed:
    return await door.transact(handlers.recompute_single_threaded_clients)
