"""What an employee read and exported in the days before they gave notice."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.clients.exposure import handlers, rules
from services.clients.journal.api import require_journal_space_at_door
from shared.http.door import Door, allow
from shared.ids import Id
from shared.paging import Paging, paging

router = APIRouter(tags=["exposure"], dependencies=[Depends(require_journal_space_at_door)])


@router.get(
    "/exposure/{employee_id}",
    summary="What an employee used before notice or incident; each look is in the journal",
)
async def read_exposure(
    employee_id: Id,
    days: Annotated[int | None, Query(ge=1, le=180, description="before the notice; as set, if not given")] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("sales_head", "director", "auditor", "service"),
) -> rules.ExposureShown:
    return await door.transact(handlers.read_exposure, employee_id, days, door.principal.roles, paging)
