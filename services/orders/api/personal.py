"""What is kept of an employee here; `staff` gathers it from all services."""

from typing import Any

from fastapi import APIRouter

from services.orders.store import personal
from shared.contracts.clients import JournalEntry
from shared.database import UnitOfWork
from shared.http.door import Door, allow
from shared.ids import Id

router = APIRouter(tags=["personal data"])


@router.get("/personal-data/{employee_id}", response_model=dict[str, Any], summary="What is kept of an employee here")
async def read(employee_id: Id, door: Door = allow("service")) -> Any:
    """For `staff`, which asks for somebody with a right to know. Every look is in the journal."""
    return await door.transact(_read, employee_id)


async def _read(work: UnitOfWork, employee_id: str) -> Any:
    found = await personal.kept(work, employee_id)
    details: dict[str, str | int | bool | None] = {"service": work.service}
    work.publish(JournalEntry(kind="personal_data.read", actor_id=work.actor, employee_id=employee_id, details=details))
    return found
