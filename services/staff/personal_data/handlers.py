"""Reading what staff keeps of an employee."""

from pydantic import JsonValue

from services.staff.personal_data import store
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.journal import publish_journal_entry


async def read_personal_data(work: UnitOfWork, employee_id: str) -> dict[str, JsonValue]:
    """By kind, journaled. Raises `NotFound`."""
    personal_data = await store.get_personal_data(work, employee_id)
    if personal_data is None:
        raise NotFound
    publish_journal_entry(work, "personal_data.read", employee_id, service=work.service)
    return personal_data
