"""Introductions: what is done client by client."""

from datetime import date, datetime
from typing import Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.offboarding.introductions import handlers
from services.offboarding.introductions.rules import Introduction, IntroductionStep, StepDetails
from services.offboarding.permissions.fields import get_viewer
from shared.http.door import Door, allow
from shared.http.fields import Body, Day, EmptyBody, Paragraphs, ShortText
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

    by: ShortText | None = None
    how: ShortText | None = None


class RefusalBody(Body):
    by: Literal["successor", "client", "leaver"]
    reason: Paragraphs


@router.get(
    "/cases/{case_id}/introductions", response_model=Page[IntroductionOut], summary="The introductions of a case"
)
async def list_introductions(
    case_id: Id, paging: Paging = Depends(paging), door: Door = allow("employee", "hr", "sales_head", "director")
) -> Page[Introduction]:
    """The leaver and the successors see theirs; a brief is shown to those who serve the client, not to `hr`."""
    introductions = await door.read(handlers.list_introductions, get_viewer(door), paging, case_id)
    return make_page(introductions, paging)


async def _take_step(door: Door, introduction_id: str, step: IntroductionStep, details: StepDetails) -> Introduction:
    return await door.transact(handlers.take_introduction_step, get_viewer(door), introduction_id, step, details)


@router.post("/introductions/{introduction_id}/accept", response_model=IntroductionOut, summary="The successor accepts")
async def accept_introduction(
    introduction_id: Id, body: AcceptanceBody | None = None, door: Door = allow("employee", "sales_head", "director")
) -> Introduction:
    return await _take_step(door, introduction_id, "accept", StepDetails(form=body.form if body else None))


@router.post("/introductions/{introduction_id}/brief", response_model=IntroductionOut, summary="The leaver briefs")
async def brief_successor(
    introduction_id: Id, body: BriefBody | None = None, door: Door = allow("employee", "sales_head", "director")
) -> Introduction:
    """The leaver gets a pass for this client: for the day of `next_date`, else for 24 hours; not past the last day."""
    brief = body or BriefBody()
    details = StepDetails(brief=brief.model_dump(mode="json", exclude_none=True), meets_on=brief.next_date)
    return await _take_step(door, introduction_id, "brief", details)


@router.post("/introductions/{introduction_id}/introduce", response_model=IntroductionOut, summary="They have met")
async def introduce_successor(
    introduction_id: Id, body: EmptyBody | None = None, door: Door = allow("employee", "sales_head", "director")
) -> Introduction:
    return await _take_step(door, introduction_id, "introduce", StepDetails())


@router.post("/introductions/{introduction_id}/confirm", response_model=IntroductionOut, summary="The client confirms")
async def confirm_introduction(
    introduction_id: Id, body: ConfirmationBody | None = None, door: Door = allow("employee", "sales_head", "director")
) -> Introduction:
    details = StepDetails(by=body.by, how=body.how) if body else StepDetails()
    return await _take_step(door, introduction_id, "confirm", details)


@router.post("/introductions/{introduction_id}/refuse", response_model=IntroductionOut, summary="Refused: a visit")
async def refuse_introduction(
    introduction_id: Id, body: RefusalBody, door: Door = allow("employee", "sales_head", "director")
) -> Introduction:
    return await _take_step(door, introduction_id, "refuse", StepDetails(by=body.by, reason=body.reason))
