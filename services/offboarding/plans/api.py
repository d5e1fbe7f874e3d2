"""Plans: who takes over what, to be seen, edited and approved; and as a dry run for anybody."""

import asyncio
from datetime import datetime
from typing import Any, Literal, Self

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, model_validator

from services.offboarding.other_services import ServiceUnreachable
from services.offboarding.permissions.api import get_viewer
from services.offboarding.permissions.rules import Viewer
from services.offboarding.permissions.store import get_visible_case, is_head_of_case
from services.offboarding.plans import store
from services.offboarding.plans.handlers.approvals import approve_plan as handlers_approve_plan
from services.offboarding.plans.handlers.drafts import propose_plan
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound, Unavailable
from shared.http.door import Door, allow
from shared.http.fields import Body
from shared.ids import Id
from shared.people.store import heads_person_sql
from shared.service import Runtime


class PlannedClientOut(BaseModel):
    client_id: str
    to_id: str
    why: list[str]
    cost: float


class PlannedStageOut(BaseModel):
    order_id: str
    stage: str
    to_id: str
    why: list[str]
    cost: float


class PlannedTeamPlaceOut(BaseModel):
    client_id: str
    function: str
    to_id: str


class UnplacedOut(BaseModel):
    """A client; a stage (with `order_id` and `stage`); or a place in a team (with `function`)."""

    client_id: str
    reason: str
    order_id: str | None = None
    stage: str | None = None
    function: str | None = None


class OtherPlacesOut(BaseModel):
    """The leaver's other places, to be filled in the register: deputies are void, heads and managers vacant."""

    heads: list[str] = []
    deputy_of: list[str] = []
    manager_of: list[str] = []
    tasks: int = 0
    visits: int = 0


class OverCapacityOut(BaseModel):
    """Who gets more than their capacity by an edit, and by how many points."""

    employee_id: str
    function: str
    points: float


class PlanOut(BaseModel):
    """`gap`: by which share of `objective` a better plan could at most be cheaper."""

    version: int
    items: list[PlannedClientOut]
    stages: list[PlannedStageOut]
    team: list[PlannedTeamPlaceOut]
    unplaced: list[UnplacedOut]
    objective: float
    bound: float
    gap: float
    over: list[OverCapacityOut] = []
    places: OtherPlacesOut = OtherPlacesOut()
    case_id: str | None = None
    status: Literal["dry_run", "proposed", "approved", "withdrawn"] = "dry_run"
    made_at: datetime | None = None
    approved_at: datetime | None = None
    approved_by: str | None = None


router = APIRouter(tags=["plans"])

MAX_DRY_RUNS = 2  # at the same time in one process: each takes a core

JSON = "application/json"


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
async def get_plan(case_id: Id, door: Door = allow("hr", "sales_head", "director")) -> Any:
    return _json_response(await door.read(_read_plan, get_viewer(door), case_id), door)


@router.post("/cases/{case_id}/plan/approval", response_model=PlanOut, summary="Approve this version, with edits")
async def approve_plan(case_id: Id, body: PlanApprovalBody, door: Door = allow("sales_head", "director")) -> Any:
    """Only the head of sales of the case. 409 with `violations` where an edit breaks a rule (separation, function,
    somebody who cannot take over), 422 where it names what is not part of this handover."""
    edits = [edit.model_dump(exclude_none=True) for edit in body.edits]

    async def act(work: UnitOfWork) -> str:
        await handlers_approve_plan(work, get_viewer(door), case_id, body.version, edits)
        return await _read_plan(work, get_viewer(door), case_id)

    return _json_response(await door.transact(act), door)


async def _read_plan(work: UnitOfWork, who: Viewer, case_id: str) -> str:
    row = await get_visible_case(work, who, case_id)
    if row["employee_id"] == who.sub or not (who.sees_all() or await is_head_of_case(work, who, case_id)):
        raise Forbidden
    found = await store.get_plan_document(work, case_id)
    if found is None:
        raise NotFound
    return found


def _json_response(document: str, door: Door) -> Response:
    return Response(document, media_type=JSON, headers=door.response.headers)


@router.post("/plans", response_model=PlanOut, summary="A dry run: the plan if this employee left; changes nothing")
async def make_dry_run(body: DryRunBody, door: Door = allow("hr", "sales_head", "director")) -> Any:
    if body.employee_id == door.principal.sub:
        raise Forbidden
    places = await door.read(_read_other_places, get_viewer(door), body.employee_id)
    return _json_response(await door.run_once(lambda: _compute_dry_run(door.runtime, body.employee_id, places)), door)


async def _compute_dry_run(runtime: Runtime, employee_id: str, places: Any) -> str:
    slots = runtime.state.setdefault("dry_runs", asyncio.Semaphore(MAX_DRY_RUNS))
    async with slots:
        try:
            made = (await propose_plan(runtime, employee_id)).plan
        except ServiceUnreachable:
            raise Unavailable from None

    def show() -> str:
        return PlanOut(
            version=0,
            items=[_fields_of(one) for one in made.items],
            stages=[_fields_of(one) for one in made.stages],
            team=[_fields_of(one) for one in made.team],
            unplaced=[_fields_of(one) for one in made.unplaced],
            objective=made.objective,
            bound=made.bound,
            gap=made.gap,
            places=places,
        ).model_dump_json()

    return await asyncio.to_thread(show)


def _fields_of(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}


async def _read_other_places(work: UnitOfWork, who: Viewer, employee_id: str) -> Any:
    """The employee's other places, for `hr`, directors, and who heads their department. Raises `NotFound`."""
    known = await work.fetch_value(
        f"SELECT 1 FROM people p WHERE employee_id = :id AND (:all OR :actor = :last_resort OR {heads_person_sql('p')})",
        id=employee_id,
        all=who.sees_all(),
        actor=who.sub,
        last_resort=work.settings.last_resort or "",
    )
    if not known:
        raise NotFound
    return await store.get_other_places(work, employee_id, "")
