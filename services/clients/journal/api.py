"""The journal, for auditors."""

from fastapi import APIRouter, Depends, Request

from services.clients.journal import handlers
from services.clients.journal.store import JournalEntryShown, list_journal_entries
from shared.http.door import Door, allow
from shared.http.fields import Moment
from shared.ids import ClientRef, Id
from shared.paging import Page, Paging, make_page, paging


async def require_journal_space_at_door(request: Request) -> None:
    """What is decided is journaled; without room for that, nothing is decided."""
    handlers.require_journal_space(request.app.state.runtime)


router = APIRouter(tags=["journal"])


@router.get("/journal", summary="Every decision and every change of responsibility, newest first")
async def read_journal(
    employee_id: Id | None = None,
    client_id: ClientRef | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow("auditor"),
) -> Page[JournalEntryShown]:
    entries = await door.read(list_journal_entries, paging, employee_id, client_id, since, until)
    return make_page(entries, paging, lambda entry: (entry.place,))
