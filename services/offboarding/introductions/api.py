"""Introductions: what is done client by client."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.offboarding.introductions import handlers, rules, store
from services.offboarding.permissions.api import get_viewer
from services.offboarding.permissions.store import get_visible_case
from shared.database import UnitOfWork
from shared.http.door import Door, allow
from shared.http.fields import Body, Day, EmptyBody, Line, Paragraphs
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging


class IntroductionOut(BaseModel):
    """`rank`: how much the client is at risk, 1 the most, 0 unknown. `pass_status`: of the leaver's pass for the meeting."""

    id: str
    case_id: str
    client_id: str
    from_id: str
    to_id: str
    form: Literal["meeting", "call", "letter", "none"]
    status: Literal["proposed", "accepted", "briefed", "introduced", "confirmed", "refused", "cancelled"]
    due_on: date
    rank: int
    brief: dict[str, Any] | None = None
    by: str | None = None
    how: str | None = None
    reason: str | None = None
    pass_id: str | None = None
    pass_status: Literal["asked", "granted", "refused"] | None = None
    changed_at: datetime


router = APIRouter(tags=["introductions"])


class AcceptanceBody(Body):
    """The successor may choose another form; `none` where they know the client already."""

    form: Literal["meeting", "call", "letter", "none"] | None = None


class BriefBody(Body):
    situation: Paragraphs | None = None
    promises: Paragraphs | None = None
    special_terms: Paragraphs | None = None
    next_date: Day | None = None
    pitfalls: Paragraphs | None = None


class ConfirmationBody(Body):
    """Who confirmed for the client, and how."""

    by: Line | None = None
    how: Line | None = None


class RefusalBody(Body):
    by: Literal["successor", "client", "leaver"]
    reason: Paragraphs


@router.get(
    "/cases/{case_id}/introductions", response_model=Page[IntroductionOut], summary="The introductions of a case"
)
async def list_introductions(
    case_id: Id, paging: Paging = Depends(paging), door: Door = allow("employee", "hr", "sales_head", "director")
) -> Any:
    """The leaver and the successors see theirs; a brief is shown to those who serve the client, not to `hr`."""

    async def read(work: UnitOfWork) -> Any:
        await get_visible_case(work, get_viewer(door), case_id)
        return make_page(await store.list_introductions(work, get_viewer(door), paging, case_id), paging)

    return await door.read(read)


async def _take_step(door: Door, introduction_id: str, wanted: rules.IntroductionStep, said: Mapping[str, Any]) -> Any:
    return dict(await door.transact(handlers.take_introduction_step, get_viewer(door), introduction_id, wanted, said))


@router.post("/introductions/{introduction_id}/accept", response_model=IntroductionOut, summary="The successor accepts")
async def accept_introduction(
    introduction_id: Id, body: AcceptanceBody | None = None, door: Door = allow("employee", "sales_head", "director")
) -> Any:
    return await _take_step(door, introduction_id, "accept", (body or AcceptanceBody()).model_dump())


@router.post("/introductions/{introduction_id}/brief", response_model=IntroductionOut, summary="The leaver briefs")
async def brief_successor(
    introduction_id: Id, body: BriefBody | None = None, door: Door = allow("employee", "sales_head", "director")
) -> Any:
    """The leaver gets a pass for this client: for the day of `next_date`, else for 24 hours; not past the last day."""
    return await _take_step(door, introduction_id, "brief", (body or BriefBody()).model_dump())


@router.post("/introductions/{introduction_id}/introduce", response_model=IntroductionOut, summary="They have met")
async def introduce_successor(
    introduction_id: Id, body: EmptyBody | None = None, door: Door = allow("employee", "sales_head", "director")
) -> Any:
    return await _take_step(door, introduction_id, "introduce", {})


@router.post("/introductions/{introduction_id}/confirm", response_model=IntroductionOut, summary="The client confirms")
async def confirm_introduction(
    introduction_id: Id, body: ConfirmationBody | None = None, door: Door = allow("employee", "sales_head", "director")
) -> Any:
    return await _take_step(door, introduction_id, "confirm", (body or ConfirmationBody()).model_dump())


@router.post("/introductions/{introduction_id}/refuse", response_model=IntroductionOut, summary="Refused: a visit")
async def refuse_introduction(
    introduction_id: Id, body: RefusalBody, door: Door = allow("employee", "sales_head", "director")
) -> Any:
    return await _take_step(door, introduction_id, "refuse", body.model_dump())
