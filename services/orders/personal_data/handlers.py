"""Every look at what is kept of an employee is in the journal."""

from services.orders.personal_data import store
from shared.database import UnitOfWork
from shared.journal import publish_journal_entry


async def disclose_personal_data(work: UnitOfWork, employee_id: str) -> store.PersonalDataSummary:
    publish_journal_entry(work, "personal_data.read", employee_id, service=work.service)
    return await store.get_personal_data(work, employee_id)
