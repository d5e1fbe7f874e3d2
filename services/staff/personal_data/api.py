"""The door through which a person sees what is kept of them."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from services.staff.employees.handlers import publish_journal_entry
from services.staff.personal_data import other_services, store
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.http.door import Door, allow
from shared.ids import Id

router = APIRouter(tags=["personal data"])


class PersonalData(BaseModel):
    """By service what it keeps, kind by kind: contents, or numbers with the first and the last. `missing` are services that
    did not answer: ask again later. An empty list says that this is all."""

    employee_id: str
    at: datetime
    staff: dict[str, Any]
    clients: dict[str, Any] | None
    orders: dict[str, Any] | None
    offboarding: dict[str, Any] | None
    missing: list[str]


@router.get("/employees/{employee_id}/personal-data", response_model=PersonalData, summary="What is kept of a person")
async def get_personal_data(employee_id: Id, door: Door = allow("anyone")) -> Any:
    """For the person themself and for `hr`. Clients are named only to the person, and only while they may see them: `hr` and
    whoever is frozen or has left get numbers. Every look is in the journal."""
    themself = door.principal.sub == employee_id
    if not themself and not door.principal.has("hr"):
        raise NotFound
    own = await door.transact(_read_own_personal_data, employee_id)
    others = await other_services.fetch_personal_data(door.runtime.calls, employee_id, themself and not door.frozen)
    missing = [name for name, answer in others.items() if answer is None]
    return {"employee_id": employee_id, "at": door.runtime.clock(), "staff": own, **others, "missing": missing}


async def _read_own_personal_data(work: UnitOfWork, employee_id: str) -> Any:
    found = await store.get_personal_data(work, employee_id)
    if found is None:
        raise NotFound
    publish_journal_entry(work, "personal_data.read", employee_id, service=work.service)
    return found
