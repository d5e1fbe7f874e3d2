"""Who of us knows a client, and how well; what was noted of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.clients.api.clients import READERS, Feedback, Interaction
from services.clients.api.opened import opened
from services.clients.domain.knowing import Why
from services.clients.handlers import knowing
from shared.http.door import Door, allow
from shared.ids import ClientRef
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["knowing"])


class Known(BaseModel):
    """One who met the client within twelve months. `knows`: from a score of 1 on; `stays`: works here, and is neither
    leaving nor frozen."""

    employee_id: str
    score: float = Field(description="meetings + 0.5 calls + 0.1 mails")
    knows: bool
    stays: bool
    meetings: int
    calls: int
    mails: int
    last_at: datetime


class Knowledge(BaseModel):
    client_id: str
    known_by: list[Known] = Field(description="the one who knows it best comes first")
    count: int = Field(description="how many who stay know the client; whoever has it in hand counts, if nobody does")
    strongest_id: str | None = Field(description="who of those who stay knows it best")
    alone_id: str | None = Field(description="on whom the client hangs, if `count` is one at most")
    why: Why | None
    computed_at: datetime


@router.get("/clients/{id}/knowledge", response_model=Knowledge, summary="Who of us knows the client, and how well")
async def knowledge(id: ClientRef, door: Door = allow(*READERS)) -> Any:
    return opened(await door.transact(knowing.knowledge, id, door.principal.roles))


@router.get(
    "/clients/{id}/interactions", response_model=Page[Interaction], summary="Meetings, calls and mails, newest first"
)
async def interactions(id: ClientRef, paging: Paging = Depends(paging), door: Door = allow(*READERS)) -> Any:
    rows = opened(await door.transact(knowing.interactions, id, door.principal.roles, paging))
    return make_page(rows, paging, _newest)


@router.get("/clients/{id}/feedback", response_model=Page[Feedback], summary="What the client said of us, newest first")
async def feedback(id: ClientRef, paging: Paging = Depends(paging), door: Door = allow(*READERS)) -> Any:
    rows = opened(await door.transact(knowing.feedback, id, door.principal.roles, paging))
    return make_page(rows, paging, _newest)


def _newest(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["at"].isoformat(), row["id"]
