"""Every look at what is kept of an employee is in the journal."""

from services.clients.journal.store import insert_journal_entry
from services.clients.personal_data import store
from shared.database import UnitOfWork


async def disclose_personal_data(
    work: UnitOfWork, employee_id: str, may_see_client_ids: bool
) -> store.PersonalDataSummary:
    found = await store.get_personal_data(work, employee_id, may_see_client_ids)
    await insert_journal_entry(work, "personal_data.read", employee_id=employee_id, details={"service": work.service})
    return found
