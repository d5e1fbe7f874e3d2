"""Who of us knows a client, and how well; what was recorded of it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.clients.access.api import CREATED_RESPONSES
from services.clients.journal.api import require_journal_space_at_door
from services.clients.register.api import CLIENT_ROLES
from services.clients.relationships import handlers, rules
from shared.http.door import Door, allow
from shared.http.fields import Body, Moment, NotBoolean, Paragraphs
from shared.ids import ClientRef, Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(dependencies=[Depends(require_journal_space_at_door)])


class NewInteraction(Body):
    id: Id | None = None
    employee_id: Id
    kind: Literal["meeting", "call", "mail"]
    at: Moment
    summary: Paragraphs | None = None


class NewFeedback(Body):
    id: Id | None = None
    score: Annotated[int, Field(ge=0, le=10), NotBoolean]
    note: Paragraphs | None = None
    at: Moment | None = None


class AcquaintanceShown(BaseModel):
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


class ClientKnowledgeShown(BaseModel):
    client_id: str
    known_by: list[AcquaintanceShown] = Field(description="the one who knows it best comes first")
    count: int = Field(description="how many who stay know the client; whoever has it in hand counts, if nobody does")
    strongest_id: str | None = Field(description="who of those who stay knows it best")
    alone_id: str | None = Field(description="on whom the client hangs, if `count` is one at most")
    why: rules.DependencyReason | None
    computed_at: datetime


@router.get(
    "/clients/{id}/knowledge",
    tags=["knowing"],
    response_model=ClientKnowledgeShown,
    summary="Who of us knows the client, and how well",
)
async def read_client_knowledge(id: ClientRef, door: Door = allow(*CLIENT_ROLES)) -> Any:
    return await door.transact(handlers.read_client_knowledge, id, door.principal.roles)


@router.get(
    "/clients/{id}/interactions",
    tags=["knowing"],
    response_model=Page[rules.Interaction],
    summary="Meetings, calls and mails, newest first",
)
async def list_interactions(id: ClientRef, paging: Paging = Depends(paging), door: Door = allow(*CLIENT_ROLES)) -> Any:
    interactions = await door.transact(handlers.list_interactions, id, door.principal.roles, paging)
    return make_page(interactions, paging, lambda one: (one.at.isoformat(), one.id))


@router.get(
    "/clients/{id}/feedback",
    tags=["knowing"],
    response_model=Page[rules.Feedback],
    summary="What the client said of us, newest first",
)
async def list_feedback(id: ClientRef, paging: Paging = Depends(paging), door: Door = allow(*CLIENT_ROLES)) -> Any:
    feedback = await door.transact(handlers.list_feedback, id, door.principal.roles, paging)
    return make_page(feedback, paging, lambda one: (one.at.isoformat(), one.id))


@router.post(
    "/clients/{id}/interactions",
    tags=["clients"],
    status_code=201,
    response_model=rules.Interaction,
    responses=CREATED_RESPONSES,
    summary="Note a meeting, call or mail: who knows whom",
)
async def record_interaction(id: ClientRef, body: NewInteraction, door: Door = allow(*CLIENT_ROLES)) -> Any:
    recorded = await door.transact(
        handlers.record_interaction,
        *(id, body.id, body.employee_id, body.kind, body.at, body.summary),
        door.principal.roles,
    )
    door.set_location("clients", recorded.client_id)
    return recorded


@router.post(
    "/clients/{id}/feedback",
    tags=["clients"],
    status_code=201,
    response_model=rules.Feedback,
    responses=CREATED_RESPONSES,
    summary="Note what the client says of us, from 0 to 10",
)
async def record_feedback(id: ClientRef, body: NewFeedback, door: Door = allow(*CLIENT_ROLES)) -> Any:
    recorded = await door.transact(
        handlers.record_feedback, id, body.id, body.score, body.note, body.at, door.principal.roles
    )
    door.set_location("clients", recorded.client_id)
    return recorded
