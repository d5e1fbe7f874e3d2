"""The link to the HRIS: sources and their secrets, what the brake holds, what became of messages."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from services.staff.handlers import holds, sources
from services.staff.store import hris as store
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.http.door import Door, allow
from shared.http.fields import EmptyBody
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["hris"])

Outcome = Literal["applied", "pending", "held", "old", "ignored", "refused"]


class Source(BaseModel):
    """`secret` is shown once: when the source or the secret is made. `previous_until`: how long the one before signs."""

    id: str
    kind: str
    created_at: datetime
    previous_until: datetime | None = None
    secret: str | None = None


class Hold(BaseModel):
    """A departure that the brake held. `frozen`: access is refused until somebody decides."""

    id: str
    source_id: str
    employee_id: str
    employment_id: str
    kind: Literal["resigned", "changed", "left"]
    notice_on: date | None
    last_day: date | None
    ends_on: date | None
    left_on: date | None
    said_at: datetime
    held_at: datetime
    frozen: bool
    state: Literal["held", "confirmed", "rejected"]
    decided_by: str | None
    decided_at: datetime | None


class Message(BaseModel):
    """What became of a webhook. `awaits`: who or what must appear first. `seen_by` has looked at it."""

    id: str
    source_id: str
    webhook_id: str
    received_at: datetime
    said_at: datetime | None
    type: str | None
    employee_id: str | None
    outcome: Outcome
    reason: str | None
    awaits: str | None
    seen_by: str | None
    seen_at: datetime | None


@router.post("/hris/sources", status_code=201, response_model=Source, summary="Add a source of news")
async def create(body: sources.NewSource, door: Door = allow("ops")) -> Any:
    """Answers with the secret this one time."""
    source = await door.transact(_create, body)
    door.set_location("hris", "sources", body.id)
    return source


async def _create(work: UnitOfWork, body: sources.NewSource) -> dict[str, Any]:
    return _plain(await sources.create(work, body))


def _plain(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in Source.model_fields}


@router.get("/hris/sources", response_model=Page[Source], summary="Sources of news")
async def listed(paging: Paging = Depends(paging), door: Door = allow("ops", "hr")) -> Any:
    return make_page(await door.read(store.sources, paging), paging)


@router.get("/hris/sources/{source_id}", response_model=Source, summary="One source, without its secret")
async def read_source(source_id: Id, door: Door = allow("ops")) -> Any:
    source = await door.read(store.source, source_id)
    if source is None:
        raise NotFound
    return source


@router.post("/hris/sources/{source_id}/secret", status_code=201, response_model=Source, summary="Renew the secret")
async def renew_secret(source_id: Id, body: sources.NewSecret | None = None, door: Door = allow("ops")) -> Any:
    """The one before stays valid for 24 hours."""
    return await door.transact(_renew, source_id, body or sources.NewSecret())


async def _renew(work: UnitOfWork, source_id: str, body: sources.NewSecret) -> dict[str, Any]:
    return _plain(await sources.renew_secret(work, source_id, body))


@router.get("/hris/holds", response_model=Page[Hold], summary="Departures that wait for a person")
async def list_holds(
    state: Annotated[Literal["held", "confirmed", "rejected"] | None, Query()] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("hr", "ops"),
) -> Any:
    return make_page(await door.read(store.holds, paging, state), paging)


@router.post("/hris/holds/{hold_id}/confirm", response_model=Hold, summary="It is a departure")
async def confirm(hold_id: Id, body: EmptyBody | None = None, door: Door = allow("hr")) -> Any:
    return await door.transact(_confirm, hold_id)


async def _confirm(work: UnitOfWork, hold_id: str) -> dict[str, Any]:
    return dict(await holds.confirm(work, hold_id))


@router.post("/hris/holds/{hold_id}/reject", response_model=Hold, summary="It is a mistake")
async def reject(hold_id: Id, body: EmptyBody | None = None, door: Door = allow("hr")) -> Any:
    return await door.transact(_reject, hold_id)


async def _reject(work: UnitOfWork, hold_id: str) -> dict[str, Any]:
    return dict(await holds.reject(work, hold_id))


@router.get("/hris/messages", response_model=Page[Message], summary="Webhooks and what became of them")
async def list_messages(
    outcome: Annotated[Outcome | None, Query()] = None,
    source_id: Annotated[Id | None, Query()] = None,
    employee_id: Annotated[Id | None, Query()] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("hr", "ops"),
) -> Any:
    """Without their content. Departures that are `old`, `refused` or `pending` and seen by nobody raise the alarm."""
    return make_page(await door.read(store.messages, paging, outcome, source_id, employee_id), paging)


@router.post("/hris/messages/{message_id}/seen", status_code=204, summary="Somebody has looked at it")
async def look_at(message_id: Id, body: EmptyBody | None = None, door: Door = allow("hr", "ops")) -> None:
    """Ends the alarm of this message."""
    await door.transact(holds.look_at, message_id)
