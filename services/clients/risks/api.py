"""What hangs on one person alone."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.clients.journal.api import require_journal_space_at_door
from services.clients.relationships.rules import DependencyReason
from services.clients.risks import handlers
from shared.http.door import Door, allow
from shared.http.fields import Total
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["risk"], dependencies=[Depends(require_journal_space_at_door)])


class ClientAtRisk(BaseModel):
    """Known by one at most who stays. `why`: that one (`known_by_one`); only people know it who are leaving or frozen
    (`only_leaving`); nobody does, so that it hangs on whoever has it in hand (`owner_alone`)."""

    client_id: str
    owner_id: str
    value: Total
    known_by: int
    alone_id: str = Field(description="on whom it hangs")
    why: DependencyReason
    share: float | None = Field(description="of the value of all clients")
    computed_at: datetime = Field(description="since when this is so, as far as it was computed")


class ClientsAtRisk(Page[ClientAtRisk]):
    computed_at: datetime | None = Field(description="when this was last computed for all clients")


class TopClientAtRisk(BaseModel):
    client_id: str
    value: Total
    known_by: int
    why: DependencyReason


class EmployeeRisk(BaseModel):
    """Of the clients that they have in hand, or had until somebody stood in, and of all that hang on them alone."""

    employee_id: str
    clients: int
    value: Total
    alone_clients: int
    alone_value: Total
    share_of_own: float | None = Field(description="how much of the value of their own clients hangs on them alone")
    share_of_company: float | None = Field(description="how much of the value of all clients hangs on them alone")
    top: list[TopClientAtRisk] = Field(
        description="the most valuable that hang on them and that you may list; none for `hr`"
    )
    computed_at: datetime | None


@router.get(
    "/risk/clients", response_model=ClientsAtRisk, summary="Clients that only one of us knows, the most valuable first"
)
async def list_clients_at_risk(
    owner_id: Annotated[Id | None, Query(description="acting owner")] = None,
    department_id: Annotated[Id | None, Query(description="of the acting owner, with those below it")] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "sales_head", "director", "service"),
) -> Any:
    found, computation = await door.transact(
        handlers.list_clients_at_risk, door.principal.roles, paging, owner_id, department_id
    )
    page = make_page(found, paging, lambda client: (f"{client.value:.2f}", client.client_id))
    value = computation.value if computation else Decimal(0)
    clients = [{**asdict(client), "share": handlers.compute_share(client.value, value)} for client in page["items"]]
    return {**page, "items": clients, "computed_at": computation.at if computation else None}


@router.get("/risk/employees/{employee_id}", response_model=EmployeeRisk, summary="What hangs on this person alone")
async def read_employee_risk(
    employee_id: Id, door: Door = allow("employee", "sales_head", "director", "hr", "service")
) -> Any:
    return await door.transact(handlers.read_employee_risk, employee_id, door.principal.roles)


@router.post(
    "/risk/recompute",
    summary="Compute it now; else it is done every night, in a small company for whoever looks",
)
async def recompute_risks(door: Door = allow("ops")) -> handlers.RisksRecomputed:
    return await door.transact(handlers.recompute_risks)
