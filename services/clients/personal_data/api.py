"""What is kept of an employee here; `staff` gathers it from all services."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends

from services.clients.journal.api import require_journal_space_at_door
from services.clients.personal_data import handlers
from shared.http.door import Door, allow
from shared.ids import Id

router = APIRouter(tags=["personal data"], dependencies=[Depends(require_journal_space_at_door)])


@router.get("/personal-data/{employee_id}", response_model=dict[str, Any], summary="What is kept of an employee here")
async def read_personal_data(
    employee_id: Id, clients: bool = False, door: Door = allow("service")
) -> Mapping[str, object]:
    """For `staff`, which asks for somebody with a right to know. Every look is in the journal."""
    return await door.transact(handlers.disclose_personal_data, employee_id, clients)
