"""Every look at what is kept of an employee is in the journal."""

from services.offboarding.personal_data import store
from shared.database import UnitOfWork
from shared.journal import publish_journal_entry


async def disclose_personal_data(work: UnitOfWork, employee_id: str, may_see_clients: bool) -> store.PersonalData:
    publish_journal_entry(work, "personal_data.read", employee_id=employee_id, service=work.service)
    return await store.get_personal_data(work, employee_id, may_see_clients)
