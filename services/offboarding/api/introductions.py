"""Introductions and visits: what is done client by client."""

from collections.abc import Mapping
from typing import Any, Literal

from fastapi import APIRouter, Depends

from services.offboarding.api.cases import viewer
from services.offboarding.api.shapes import IntroductionOut, VisitOut
from services.offboarding.domain.introductions import Act
from services.offboarding.handlers import introducing, visiting
from services.offboarding.store import lists
from services.offboarding.store.seeing import see_case
from shared.database import UnitOfWork
from shared.http.door import Door, allow
from shared.http.fields import Body, Day, EmptyBody, Line, Paragraphs
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["introductions"])


class Acceptance(Body):
    """The successor may choose another form; `none` where they know the client already."""

    form: Literal["meeting", "call", "letter", "none"] | None = None


class Brief(Body):
    situation: Paragraphs | None = None
    promises: Paragraphs | None = None
    special_terms: Paragraphs | None = None
    next_date: Day | None = None
    pitfalls: Paragraphs | None = None


class Confirmation(Body):
    """Who confirmed for the client, and how."""

    by: Line | None = None
    how: Line | None = None


class Refusal(Body):
    by: Literal["successor", "client", "leaver"]
    reason: Paragraphs


class Outcome(Body):
    outcome: Literal["kept", "at_risk", "lost"]
    note: Paragraphs | None = None


@router.get(
    "/cases/{case_id}/introductions", response_model=Page[IntroductionOut], summary="The introductions of a case"
)
async def list_introductions(
    case_id: Id, paging: Paging = Depends(paging), door: Door = allow("employee", "hr", "sales_head", "director")
) -> Any:
    """The leaver and the successors see theirs; a brief is shown to those who serve the client, not to `hr`."""

    async def read(work: UnitOfWork) -> Any:
        await see_case(work, viewer(door), case_id)
        return make_page(await lists.introductions(work, viewer(door), paging, case_id), paging)

    return await door.read(read)


async def _act(door: Door, introduction_id: str, wanted: Act, said: Mapping[str, Any]) -> Any:
    return dict(await door.transact(introducing.act, viewer(door), introduction_id, wanted, said))


@router.post("/introductions/{introduction_id}/accept", response_model=IntroductionOut, summary="The successor accepts")
async def accept(
    introduction_id: Id, body: Acceptance | None = None, door: Door = allow("employee", "sales_head", "director")
) -> Any:
    return await _act(door, introduction_id, "accept", (body or Acceptance()).model_dump())


@router.post("/introductions/{introduction_id}/brief", response_model=IntroductionOut, summary="The leaver briefs")
async def brief(
    introduction_id: Id, body: Brief | None = None, door: Door = allow("employee", "sales_head", "director")
) -> Any:
    """The leaver gets a pass for this client: for the day of `next_date`, else for 24 hours; not past the last day."""
    return await _act(door, introduction_id, "brief", (body or Brief()).model_dump())


@router.post("/introductions/{introduction_id}/introduce", response_model=IntroductionOut, summary="They have met")
async def introduce(
    introduction_id: Id, body: EmptyBody | None = None, door: Door = allow("employee", "sales_head", "director")
) -> Any:
    return await _act(door, introduction_id, "introduce", {})


@router.post("/introductions/{introduction_id}/confirm", response_model=IntroductionOut, summary="The client confirms")
async def confirm(
    introduction_id: Id, body: Confirmation | None = None, door: Door = allow("employee", "sales_head", "director")
) -> Any:
    return await _act(door, introduction_id, "confirm", (body or Confirmation()).model_dump())


@router.post("/introductions/{introduction_id}/refuse", response_model=IntroductionOut, summary="Refused: a visit")
async def refuse(introduction_id: Id, body: Refusal, door: Door = allow("employee", "sales_head", "director")) -> Any:
    return await _act(door, introduction_id, "refuse", body.model_dump())


@router.get("/visits", response_model=Page[VisitOut], summary="Visits: your own, and those that you may know of")
async def list_visits(
    assignee_id: Id | None = None,
    case_id: Id | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Any:
    return make_page(await door.transact(visiting.some, viewer(door), paging, assignee_id, case_id), paging)


@router.post("/visits/{visit_id}/outcome", response_model=VisitOut, summary="What came of the visit")
async def outcome(visit_id: Id, body: Outcome, door: Door = allow("employee", "sales_head", "director")) -> Any:
    return dict(await door.transact(visiting.record_outcome, viewer(door), visit_id, body.outcome, body.note))
