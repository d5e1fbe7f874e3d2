"""Plans: who takes over what, to be seen, edited and approved; and as a dry run for anybody."""

import asyncio
from typing import Any, Self

from fastapi import APIRouter, Response
from pydantic import Field, model_validator

from services.offboarding.api.cases import viewer
from services.offboarding.api.shapes import PlanOut
from services.offboarding.directory import NotThere
from services.offboarding.handlers import deciding
from services.offboarding.handlers.proposing import propose
from services.offboarding.store import plans
from services.offboarding.store.seeing import Viewer, leads, see_case
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound, Unavailable
from shared.http.door import Door, allow
from shared.http.fields import Body
from shared.ids import Id
from shared.people.store import heads_person_sql
from shared.service import Runtime

router = APIRouter(tags=["plans"])
DRY_RUNS = 2  # at the same time in one process: each takes a core
JSON = "application/json"


class Edit(Body):
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


class Approval(Body):
    version: int = Field(ge=1, le=1_000_000, strict=True)
    edits: list[Edit] = Field(default=[], max_length=10_000)

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if len({(edit.client_id, edit.order_id, edit.stage) for edit in self.edits}) < len(self.edits):
            raise ValueError("give each client and stage once")
        return self


class DryRun(Body):
    employee_id: Id


@router.get("/cases/{case_id}/plan", response_model=PlanOut, summary="The newest plan of a case")
async def get_plan(case_id: Id, door: Door = allow("hr", "sales_head", "director")) -> Any:
    return _as_it_is(await door.read(_document, viewer(door), case_id), door)


@router.post("/cases/{case_id}/plan/approval", response_model=PlanOut, summary="Approve this version, with edits")
async def approve(case_id: Id, body: Approval, door: Door = allow("sales_head", "director")) -> Any:
    """Only the head of sales of the case. 409 with `violations` where an edit breaks a rule (separation, function,
    somebody who cannot take over), 422 where it names what is not part of this handover."""
    edits = [edit.model_dump(exclude_none=True) for edit in body.edits]

    async def act(work: UnitOfWork) -> str:
        await deciding.approve_plan(work, viewer(door), case_id, body.version, edits)
        return await _document(work, viewer(door), case_id)

    return _as_it_is(await door.transact(act), door)


async def _document(work: UnitOfWork, who: Viewer, case_id: str) -> str:
    row = await see_case(work, who, case_id)
    if row["employee_id"] == who.sub or not (who.sees_all() or await leads(work, who, case_id)):
        raise Forbidden
    found = await plans.document(work, case_id)
    if found is None:
        raise NotFound
    return found


def _as_it_is(document: str, door: Door) -> Response:
    return Response(document, media_type=JSON, headers=door.response.headers)


@router.post("/plans", response_model=PlanOut, summary="A dry run: the plan if this employee left; changes nothing")
async def dry_run(body: DryRun, door: Door = allow("hr", "sales_head", "director")) -> Any:
    if body.employee_id == door.principal.sub:
        raise Forbidden
    places = await door.read(_may_ask, viewer(door), body.employee_id)
    return _as_it_is(await door.run_once(lambda: _drawn(door.runtime, body.employee_id, places)), door)


async def _drawn(runtime: Runtime, employee_id: str, places: Any) -> str:
    slots = runtime.state.setdefault("dry_runs", asyncio.Semaphore(DRY_RUNS))
    async with slots:
        try:
            made = (await propose(runtime, employee_id)).plan
        except NotThere:
            raise Unavailable from None

    def show() -> str:
        return PlanOut(
            version=0,
            items=[vars_of(one) for one in made.items],
            stages=[vars_of(one) for one in made.stages],
            team=[vars_of(one) for one in made.team],
            unplaced=[vars_of(one) for one in made.unplaced],
            objective=made.objective,
            bound=made.bound,
            gap=made.gap,
            places=places,
        ).model_dump_json()

    return await asyncio.to_thread(show)


def vars_of(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}


async def _may_ask(work: UnitOfWork, who: Viewer, employee_id: str) -> Any:
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
    return await plans.other_places(work, employee_id, "")
