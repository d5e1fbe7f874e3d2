"""The journal, for auditors."""

import uuid
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from services.clients.journal import handlers
from services.clients.journal.store.entries import list_journal_entries
from shared.http.door import Door, allow
from shared.http.fields import Moment
from shared.ids import ClientRef, Id
from shared.paging import Page, Paging, make_page, paging


async def require_journal_space_at_door(request: Request) -> None:
    """What is decided is journaled; without room for that, nothing is decided."""
    handlers.require_journal_space(request.app.state.runtime)


router = APIRouter(tags=["journal"])


class JournalEntryShown(BaseModel):
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
    "/journal",
    response_model=Page[JournalEntryShown],
    summary="Every decision and every change of responsibility, newest first",
)
async def read_journal(
    employee_id: Id | None = None,
    client_id: ClientRef | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow("auditor"),
) -> Any:
    entries = await door.read(list_journal_entries, paging, employee_id, client_id, since, until)
    return make_page(entries, paging, lambda entry: (entry.place,))
