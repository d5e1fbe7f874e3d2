"""Placing and releasing legal holds."""

from services.clients.access.handlers import OwnAffair, lock_people_and_require_active_actor
from services.clients.erasure.store import get_erasure, update_erasure_hold_ended
from services.clients.journal.store import insert_journal_entry
from services.clients.legal_holds import store
from shared.contracts.clients import ErasureDone, JournalHeld, JournalReleased
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused
from shared.people.rules import UnknownEmployee


class AlreadyErased(Refused, code="already_erased"):
    """Who this was has been erased; there is nothing left to hold."""


class NoLegalHold(NotFound, code="not_held"):
    """There is no legal hold of this employee."""


async def place_legal_hold(work: UnitOfWork, employee_id: str, reason: str) -> store.LegalHold:
    """Keeps all that the journal knows of somebody; again changes nothing.

    Raises `OwnAffair`, `UnknownEmployee`, `AlreadyErased`.
    """
    if employee_id == work.actor:
        raise OwnAffair
    person = (await lock_people_and_require_active_actor(work, for_update=[employee_id]))[employee_id]
    if not person.is_known:
        raise UnknownEmployee
    if await get_erasure(work, "employee", employee_id) is not None:
        raise AlreadyErased
    known = await store.get_legal_hold(work, employee_id)
    if known is not None:
        return known
    hold = store.LegalHold(employee_id, reason, work.actor, work.now)
    await store.insert_legal_hold(work, hold)
    await insert_journal_entry(work, "journal.held", employee_id=employee_id)
    work.publish(JournalHeld(employee_id=employee_id))
    return hold


async def release_legal_hold(work: UnitOfWork, employee_id: str) -> None:
    """Raises `OwnAffair`, `NoLegalHold`. What was erased meanwhile is now erased here too."""
    if employee_id == work.actor:
        raise OwnAffair
    await lock_people_and_require_active_actor(work, for_update=[employee_id])
    if not await store.delete_legal_hold(work, employee_id):
        raise NoLegalHold
    await insert_journal_entry(work, "journal.released", employee_id=employee_id)
    work.publish(JournalReleased(employee_id=employee_id))
    if await update_erasure_hold_ended(work, employee_id):
        work.publish(ErasureDone(employee_id=employee_id, what={}))
