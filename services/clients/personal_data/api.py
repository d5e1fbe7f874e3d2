"""What is kept of an employee here; `staff` gathers it from all services."""

from fastapi import APIRouter, Depends

from services.clients.journal.api import require_journal_space_at_door
from services.clients.personal_data import handlers
from services.clients.personal_data.store import PersonalDataSummary
from shared.http.door import Door, allow
from shared.ids import Id

router = APIRouter(tags=["personal data"], dependencies=[Depends(require_journal_space_at_door)])


@router.get("/personal-data/{employee_id}", summary="What is kept of an employee here")
async def read_personal_data(
    employee_id: Id, clients: bool = False, door: Door = allow("service")
) -> PersonalDataSummary:
    """For `staff`, which asks for somebody with a right to know. Every look is in the journal."""
    return await door.transact(handlers.disclose_personal_data, employee_id, clients)
