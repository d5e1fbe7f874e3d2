"""Plans: who takes over what, to be seen, edited and approved; and as a dry run for anybody."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Self

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, model_validator

from services.offboarding.moves.rules import PlanEdit
from services.offboarding.permissions.fields import get_viewer
from services.offboarding.planner.plan import PlacedClient, PlacedStage, PlacedTeamPlace
from services.offboarding.plans import handlers
from services.offboarding.plans.rules import OtherPlaces, OverCapacity
from services.offboarding.portfolios.requests import ServiceUnreachable
from shared.errors import Forbidden, Unavailable
from shared.http.door import Door, allow
from shared.http.fields import Body
from shared.ids import Id
from shared.service import Runtime


class UnplacedOut(BaseModel):
    """A client; a stage (with `order_id` and `stage`); or a place in a team (with `function`)."""

    client_id: str
    reason: str
    order_id: str | None = None
    stage: str | None = None
    function: str | None = None


class PlanOut(BaseModel):
    """`gap`: by which share of `objective` a better plan could at most be cheaper."""

    version: int
    items: Sequence[PlacedClient]
    stages: Sequence[PlacedStage]
    team: Sequence[PlacedTeamPlace]
    unplaced: list[UnplacedOut]
    objective: float
    bound: float
    gap: float
    over: Sequence[OverCapacity] = ()
    places: OtherPlaces = OtherPlaces()
    case_id: str | None = None
    status: Literal["dry_run", "proposed", "approved", "withdrawn"] = "dry_run"
    made_at: datetime | None = None
    approved_at: datetime | None = None
    approved_by: str | None = None


router = APIRouter(tags=["plans"])

MAX_DRY_RUNS = 2  # at the same time in one process: each takes a core


class PlanEditBody(Body):
    """A client, or a stage of an order, and who is to have it."""

    client_id: Id | None = None
    order_id: Id | None = None
    stage: Id | None = None
    to_id: Id

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.client_id is None) == (self.order_id is None) or (self.order_id is None) != (self.stage is None):
            raise ValueError("give either client_id, or order_id and stage")
        return self


class PlanApprovalBody(Body):
    version: int = Field(ge=1, le=1_000_000, strict=True)
    edits: list[PlanEditBody] = Field(default=[], max_length=10_000)

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if len({(edit.client_id, edit.order_id, edit.stage) for edit in self.edits}) < len(self.edits):
            raise ValueError("give each client and stage once")
        return self


class DryRunBody(Body):
    employee_id: Id


@router.get("/cases/{case_id}/plan", response_model=PlanOut, summary="The newest plan of a case")
async def get_plan(case_id: Id, door: Door = allow("hr", "sales_head", "director")) -> Response:
    return _json_response(await door.read(handlers.get_plan_document, get_viewer(door), case_id), door)


@router.post("/cases/{case_id}/plan/approval", response_model=PlanOut, summary="Approve this version, with edits")
async def approve_plan(case_id: Id, body: PlanApprovalBody, door: Door = allow("sales_head", "director")) -> Response:
    """Only the head of sales of the case. 409 with `violations` where an edit breaks a rule (separation, function,
    somebody who cannot take over), 422 where it names what is not part of this handover."""
    edits = [PlanEdit(edit.to_id, edit.client_id, edit.order_id, edit.stage) for edit in body.edits]
    document = await door.transact(handlers.approve_plan, get_viewer(door), case_id, body.version, edits)
    return _json_response(document, door)


def _json_response(document: str, door: Door) -> Response:
    """The document as the database made it: it is large, and need not be read here."""
    return Response(document, media_type="application/json", headers=door.response.headers)


@router.post("/plans", response_model=PlanOut, summary="A dry run: the plan if this employee left; changes nothing")
async def make_dry_run(body: DryRunBody, door: Door = allow("hr", "sales_head", "director")) -> Response:
    if body.employee_id == door.principal.sub:
        raise Forbidden
    places = await door.read(handlers.get_other_places, get_viewer(door), body.employee_id)

    async def run() -> str:
        return await _compute_dry_run(door.runtime, body.employee_id, places)

    return _json_response(await door.run_once(run), door)


async def _compute_dry_run(runtime: Runtime, employee_id: str, places: OtherPlaces) -> str:
    slots = runtime.state.setdefault("dry_runs", asyncio.Semaphore(MAX_DRY_RUNS))
    async with slots:
        try:
            plan = (await handlers.compute_plan_proposal(runtime, employee_id)).plan
        except ServiceUnreachable:
            raise Unavailable from None

    def render() -> str:
        return PlanOut(
            version=0,
            items=plan.clients,
            stages=plan.stages,
            team=plan.team,
            unplaced=[UnplacedOut.model_validate(one, from_attributes=True) for one in plan.unplaced],
            objective=plan.objective,
            bound=plan.bound,
            gap=plan.gap,
            places=places,
        ).model_dump_json()

    return await asyncio.to_thread(render)
