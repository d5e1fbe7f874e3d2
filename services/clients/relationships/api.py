"""Who of us knows a client, and how well; what was recorded of it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from services.clients.access.api import CREATED_RESPONSES
from services.clients.journal.api import require_journal_space_at_door
from services.clients.register.api import CLIENT_ROLES
from services.clients.relationships import handlers, rules
from shared.http.door import Door, allow
from shared.http.fields import Body, Moment, NotBoolean, Paragraphs
from shared.ids import ClientRef, Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(dependencies=[Depends(require_journal_space_at_door)])


class NewInteractionBody(Body):
    id: Id | None = None
    employee_id: Id
    kind: Literal["meeting", "call", "mail"]
    at: Moment
    summary: Paragraphs | None = None


class NewFeedbackBody(Body):
    id: Id | None = None
    score: Annotated[int, Field(ge=0, le=10), NotBoolean]
    note: Paragraphs | None = None
    at: Moment | None = None


@router.get("/clients/{id}/knowledge", tags=["knowing"], summary="Who of us knows the client, and how well")
async def read_client_knowledge(id: ClientRef, door: Door = allow(*CLIENT_ROLES)) -> rules.ClientKnowledgeShown:
    return await door.transact(handlers.read_client_knowledge, id, door.principal.roles)


@router.get("/clients/{id}/interactions", tags=["knowing"], summary="Meetings, calls and mails, newest first")
async def list_interactions(
    id: ClientRef, paging: Paging = Depends(paging), door: Door = allow(*CLIENT_ROLES)
) -> Page[rules.Interaction]:
    interactions = await door.transact(
        handlers.list_interactions_or_feedback, id, door.principal.roles, paging, rules.Interaction
    )
    return make_page(interactions, paging, lambda one: (one.at.isoformat(), one.id))


@router.get("/clients/{id}/feedback", tags=["knowing"], summary="What the client said of us, newest first")
async def list_feedback(
    id: ClientRef, paging: Paging = Depends(paging), door: Door = allow(*CLIENT_ROLES)
) -> Page[rules.Feedback]:
    feedback = await door.transact(
        handlers.list_interactions_or_feedback, id, door.principal.roles, paging, rules.Feedback
    )
    return make_page(feedback, paging, lambda one: (one.at.isoformat(), one.id))


@router.post(
    "/clients/{id}/interactions",
    tags=["clients"],
    status_code=201,
    responses=CREATED_RESPONSES,
    summary="Note a meeting, call or mail: who knows whom",
)
async def record_interaction(
    id: ClientRef, body: NewInteractionBody, door: Door = allow(*CLIENT_ROLES)
) -> rules.Interaction:
    recorded = await door.transact(handlers.record_interaction, id, door.principal.roles, **vars(body))
    door.set_location("clients", recorded.client_id)
    return recorded


@router.post(
    "/clients/{id}/feedback",
    tags=["clients"],
    status_code=201,
    responses=CREATED_RESPONSES,
    summary="Note what the client says of us, from 0 to 10",
)
async def record_feedback(id: ClientRef, body: NewFeedbackBody, door: Door = allow(*CLIENT_ROLES)) -> rules.Feedback:
    recorded = await door.transact(handlers.record_feedback, id, door.principal.roles, **vars(body))
    door.set_location("clients", recorded.client_id)
    return recorded
