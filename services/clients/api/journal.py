"""The journal, for auditors."""

import uuid
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.clients.store import journal
from shared.http.door import Door, allow
from shared.http.fields import Moment
from shared.ids import ClientRef, Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["journal"])


class Entry(BaseModel):
    """A leaf: one decision or change, or a page, batch or chunk. Where a mapping was erased the surrogate stands alone."""

    id: uuid.UUID
    at: datetime
    kind: str
    actor_id: str | None
    employee_id: str | None
    client_id: str | None
    action: str | None
    allowed: bool | None
    reason: str | None
    system: str | None
    employees: list[str | None]
    clients: list[str | None]
    details: dict[str, Any]


@router.get(
    "/journal", response_model=Page[Entry], summary="Every decision and every change of responsibility, newest first"
)
async def read(
    employee_id: Id | None = None,
    client_id: ClientRef | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow("auditor"),
) -> Any:
    rows = await door.read(journal.read, paging, employee_id, client_id, since, until)
    return make_page(rows, paging, lambda row: (row["place"],))
