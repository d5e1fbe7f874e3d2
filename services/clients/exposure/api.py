"""What an employee read and exported in the days before they gave notice."""

from dataclasses import fields
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from services.clients.exposure import handlers, rules
from services.clients.journal.api import require_journal_space_at_door
from shared.http.door import Door, allow
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["exposure"], dependencies=[Depends(require_journal_space_at_door)])


class ExposureShown(Page[rules.ClientUsage]):
    """From `lookback_from` until now, as other systems report it and as our own doors gave it. Days are the company's.

    Clients with the most exports come first, then those with the most rows, then by id.
    """

    employee_id: str
    basis: rules.ExposureBasis
    notice_on: date | None
    incident_on: date | None
    lookback_from: date
    until: datetime
    reporting: list[rules.ReportingSystem]
    totals: rules.UsageTotals
    decisions: rules.DecisionCounts
    unusual: rules.UnusualUse


@router.get(
    "/exposure/{employee_id}",
    response_model=ExposureShown,
    summary="What an employee used before notice or incident; each look is in the journal",
)
async def read_exposure(
    employee_id: Id,
    days: Annotated[int | None, Query(ge=1, le=180, description="before the notice; as set, if not given")] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("sales_head", "director", "auditor", "service"),
) -> Any:
    exposure = await door.transact(handlers.read_exposure, employee_id, days, door.principal.roles, paging)
    shown = make_page(exposure.clients, paging, lambda one: (str(one.exports), str(one.rows), one.client_id))
    return {**{field.name: getattr(exposure, field.name) for field in fields(exposure)}, **shown}
