"""What is kept of an employee here; `staff` gathers it from all services."""

from fastapi import APIRouter

from services.offboarding.personal_data import handlers
from services.offboarding.personal_data.store import PersonalData
from shared.http.door import Door, allow
from shared.ids import Id

router = APIRouter(tags=["personal data"])


@router.get("/personal-data/{employee_id}", summary="What is kept of an employee here")
async def get_personal_data(employee_id: Id, clients: bool = False, door: Door = allow("service")) -> PersonalData:
    """For `staff`, which asks for somebody with a right to know. Every look is in the journal."""
    return await door.transact(handlers.disclose_personal_data, employee_id, clients)
