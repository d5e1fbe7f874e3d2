"""The door through which a person sees what is kept of them."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, JsonValue

from services.staff.personal_data import handlers
from shared.errors import NotFound
from shared.http.door import Door, allow
from shared.ids import Id

router = APIRouter(tags=["personal data"])


class PersonalData(BaseModel):
    """By service what it keeps, kind by kind: contents, or numbers with the first and the last. `missing` are services that
    did not answer: ask again later. An empty list says that this is all."""

    employee_id: str
    at: datetime
    staff: dict[str, JsonValue]
    clients: dict[str, JsonValue] | None
    orders: dict[str, JsonValue] | None
    offboarding: dict[str, JsonValue] | None
    missing: list[str]


@router.get("/employees/{employee_id}/personal-data", summary="What is kept of a person")
async def get_personal_data(employee_id: Id, door: Door = allow("anyone")) -> PersonalData:
    """For the person themself and for `hr`. Clients are named only to the person, and only while they may see them: `hr` and
    whoever is frozen or has left get numbers. Every look is in the journal."""
    is_own = door.principal.sub == employee_id
    if not is_own and not door.principal.has("hr"):
        raise NotFound
    own = await door.transact(handlers.disclose_personal_data, employee_id)
    others = await handlers.fetch_personal_data_from_other_services(
        door.runtime.http_client, employee_id, is_own and not door.is_frozen
    )
    return PersonalData(
        employee_id=employee_id,
        at=door.runtime.clock(),
        staff=own,
        **others,
        missing=[name for name, answer in others.items() if answer is None],
    )
