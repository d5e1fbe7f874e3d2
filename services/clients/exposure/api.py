"""What an employee read and exported in the days before they gave notice."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.clients.access.handlers import raise_if_refused
from services.clients.exposure import handlers
from shared.http.door import Door, allow
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["exposure"])


class ReportingSystem(BaseModel):
    """A system that reports what is used, from its first to its last report. `silent`: it reported nothing in these days,
    so that nothing of it does not mean that nothing happened; nor does what was before `since`."""

    system: str
    since: datetime
    last: datetime
    silent: bool


class UsageTotals(BaseModel):
    clients: int
    reads: int
    exports: int
    rows: int = Field(description="records that were read, listed or exported")


class DecisionCounts(BaseModel):
    """How often systems asked whether this person may do something. A question is no use, and counts nowhere else."""

    asked: int
    allowed: int


class EvidenceShown(BaseModel):
    """What is unlike this person's own earlier days. It is evidence to be talked about, never a verdict.

    `bulk_read`: more rows on this day than the threshold of the same weekday. `off_hours`: rows in hours in which this
    person hardly ever used anything before.
    """

    flag: Literal["bulk_read", "off_hours"]
    day: date
    count: int
    earlier_days: int = Field(description="with how many earlier days it was compared")
    median: float | None
    threshold: float | None
    hours: list[int]


class UnusualUseShown(BaseModel):
    """Against their own habit. `unknown`: why nothing can be said of it."""

    earlier_days: int
    evidence: list[EvidenceShown]
    unknown: str | None


class ClientFlag(BaseModel):
    """Evidence, never a verdict: `count` exports (`export`), uses while the client was in no way theirs
    (`not_their_client`), or rows on days and in hours that are unlike their habit; `day` is the last of it.

    Whose a client was, and passes, are looked up as of then; teams, stages, heads and deputies as they are now.
    """

    flag: Literal["bulk_read", "off_hours", "export", "not_their_client"]
    count: int
    day: date


class ClientUsage(BaseModel):
    client_id: str
    reads: int
    exports: int
    rows: int
    last_at: datetime
    flags: list[ClientFlag]


class Exposure(Page[ClientUsage]):
    """From `lookback_from` until now, as other systems report it and as our own doors gave it. Days are the company's.

    Clients with the most exports come first, then those with the most rows, then by id.
    """

    employee_id: str
    basis: Literal["notice", "incident"]
    notice_on: date | None
    incident_on: date | None
    lookback_from: date
    until: datetime
    reporting: list[ReportingSystem]
    totals: UsageTotals
    decisions: DecisionCounts
    unusual: UnusualUseShown


@router.get(
    "/exposure/{employee_id}",
    response_model=Exposure,
    summary="What an employee used before notice or incident; each look is in the journal",
)
async def read_exposure(
    employee_id: Id,
    days: Annotated[int | None, Query(ge=1, le=180, description="before the notice; as set, if not given")] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("sales_head", "director", "auditor", "service"),
) -> Any:
    found = await door.transact(handlers.read_exposure, employee_id, days, door.principal.roles, paging)
    if found.get("refused") in handlers.REFUSAL_ERRORS:
        raise handlers.REFUSAL_ERRORS[found["refused"]]
    clients = raise_if_refused(found).pop("clients")
    shown = make_page(clients, paging, lambda row: (str(row["exports"]), str(row["rows"]), row["client_id"]))
    return {**found, **shown}
