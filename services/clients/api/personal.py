"""What is kept of an employee here; `staff` gathers it from all services."""

from typing import Any

from fastapi import APIRouter

from services.clients.store import journal, personal
from shared.database import UnitOfWork
from shared.http.door import Door, allow
from shared.ids import Id

router = APIRouter(tags=["personal data"])


@router.get("/personal-data/{employee_id}", response_model=dict[str, Any], summary="What is kept of an employee here")
async def read(employee_id: Id, clients: bool = False, door: Door = allow("service")) -> Any:
    """For `staff`, which asks for somebody with a right to know. Every look is in the journal."""
    return await door.transact(_read, employee_id, clients)


async def _read(work: UnitOfWork, employee_id: str, clients: bool) -> Any:
    found = await personal.kept(work, employee_id, clients)
    await journal.write(work, "personal_data.read", employee_id=employee_id, details={"service": work.service})
    return found
