"""Plans: drafted by a job or as a dry run, edited and approved by the head of sales, cut into chunks to be carried out."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.offboarding.assignees.store import get_head_of_sales
from services.offboarding.cases.rules import CaseRecord
from services.offboarding.cases.runner import apply_replies
from services.offboarding.cases.store import get_visible_case, insert_timeline_entry, lock_case
from services.offboarding.jobs.handlers import JobResult
from services.offboarding.moves.rules import Move, PlanEdit
from services.offboarding.moves.store import (
    cut_into_chunks,
    insert_moves,
    list_planned_moves,
    list_successor_ids,
    update_successors,
)
from services.offboarding.permissions.handlers import lock_participants, require_head_of_case
from services.offboarding.permissions.rules import Viewer
from services.offboarding.permissions.store import is_head_of_case, may_make_dry_run_for
from services.offboarding.planner.plan import Plan, make_plan
from services.offboarding.planner.problem import ClientItem, PlanningProblem, TeamPlaceItem
from services.offboarding.planner.violations import find_violations
from services.offboarding.plans import rules, store
from services.offboarding.plans.rules import OtherPlaces, OverCapacity
from services.offboarding.portfolios.requests import (
    fetch_client_loads,
    fetch_open_stages,
    fetch_portfolio,
    fetch_stage_loads,
    fetch_team_places,
)
from services.offboarding.saga import Case, Reply
from shared.contracts.offboarding import PlanProposed
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound
from shared.journal import publish_journal_entry
from shared.people.store import get_person
from shared.service import Runtime


@dataclass(frozen=True)
class PlanProposal:
    """A plan, its moves, and what weighed on the colleagues before it: points per function."""

    plan: Plan
    moves: Sequence[Move]
    loads_before: Mapping[str, Mapping[str, float]]


async def compute_plan_proposal(runtime: Runtime, leaver_id: str, employment_id: str | None = None) -> PlanProposal:
    """A plan for anybody; changes nothing. Raises `ServiceUnreachable`.

    With `employment_id`, for what that employment left: whoever was rehired since keeps what they hold now.
    """
    leaver = await runtime.transact(get_person, leaver_id)
    is_rehired = employment_id is not None and (leaver is None or leaver.employment_id != employment_id)
    clients = [] if is_rehired else await fetch_portfolio(runtime.http_client, leaver_id)
    places = [] if is_rehired else await fetch_team_places(runtime.http_client, leaver_id)
    stages = [] if is_rehired else await fetch_open_stages(runtime.http_client, leaver_id)
    loads = [*await fetch_client_loads(runtime.http_client), *await fetch_stage_loads(runtime.http_client)]
    colleagues = await runtime.transact(store.list_able_colleagues, leaver_id)
    department_id = leaver.department_id if leaver else None

    def compute() -> PlanProposal:
        load_of = rules.sum_loads_without_clients(loads, clients)
        loaded = tuple(replace(colleague, load=load_of.get(colleague.id, {})) for colleague in colleagues)
        problem = PlanningProblem(
            leaver_id,
            loaded,
            tuple(rules.to_client_item(client, leaver_id, department_id) for client in clients),
            tuple(rules.to_stage_item(stage, department_id) for stage in stages),
            tuple(TeamPlaceItem(place.client_id, place.function, place.owner_id) for place in places),
        )
        plan = make_plan(problem)
        weighing = {colleague.id: colleague.load for colleague in loaded if colleague.load}
        return PlanProposal(plan, rules.to_moves(plan, clients, stages), weighing)

    return await asyncio.to_thread(compute)


async def draft_plan(runtime: Runtime, record: CaseRecord) -> JobResult:
    """The job `draft`: who takes over what."""
    proposal = await compute_plan_proposal(runtime, record.employee_id, record.employment_id)

    async def write(work: UnitOfWork, record: CaseRecord, case: Case) -> Mapping[str, int]:
        return await save_draft_and_approve_if_small(work, record, case, proposal)

    return JobResult(write)


async def save_draft_and_approve_if_small(
    work: UnitOfWork, record: CaseRecord, case: Case, proposal: PlanProposal
) -> Mapping[str, int]:
    """Keeps the plan as proposed. Below the threshold, or with nothing to place, it approves itself."""
    plan, version = proposal.plan, case.round
    places = await store.get_other_places(work, record.employee_id, record.id)
    await store.insert_plan(work, case.id, version, plan, places, proposal.loads_before)
    await insert_moves(work, case.id, version, proposal.moves)
    unplaced = Counter("stage" if one.order_id else "team" if one.function else "client" for one in plan.unplaced)
    work.publish(
        PlanProposed(
            case_id=case.id,
            employee_id=record.employee_id,
            version=version,
            clients=len(plan.clients),
            stages=len(plan.stages),
            unplaced=sum(unplaced.values()),
            gap=plan.gap,
            approver_id=await get_head_of_sales(work, record.employee_id),
        )
    )
    await insert_timeline_entry(
        work, case.id, "plan_proposed", "plan", version=version, clients=len(plan.clients), stages=len(plan.stages)
    )
    clients = len(plan.clients) + unplaced["client"]
    is_empty = not (clients or plan.stages or plan.team or plan.unplaced)
    limit = work.settings.auto_approve_up_to
    if is_empty or (limit and clients <= limit):
        return await _approve_version(work, record, version, by=work.service)
    return {"approval": 1}


async def get_plan_document(work: UnitOfWork, viewer: Viewer, case_id: str) -> str:
    """The newest plan as JSON, for all but the leaver. Raises `NotFound`, `Forbidden`."""
    record = await get_visible_case(work, viewer, case_id)
    is_own = record.employee_id == viewer.sub
    if is_own or not (viewer.sees_all_cases or await is_head_of_case(work, viewer, case_id)):
        raise Forbidden
    document = await store.get_plan_document(work, case_id)
    if document is None:
        raise NotFound
    return document


async def get_other_places(work: UnitOfWork, viewer: Viewer, employee_id: str) -> OtherPlaces:
    """For a dry run. Raises `NotFound` unless the caller may know what this employee would leave."""
    if not await may_make_dry_run_for(work, viewer, employee_id):
        raise NotFound
    return await store.get_other_places(work, employee_id)


async def approve_plan(work: UnitOfWork, viewer: Viewer, case_id: str, version: int, edits: Sequence[PlanEdit]) -> str:
    """Approves this version with the edits, as head of sales of the case; returns it as JSON.

    Raises `NotFound`, `Forbidden`, `PlanOutdated`, `PlanNotProposed`, `EditsRefused`, `UnknownPlanItem`.
    """
    rights = await require_head_of_case(work, viewer, case_id)
    await lock_participants(work, rights.leaver_id, [edit.to_id for edit in edits])
    record, case = await lock_case(work, case_id)
    plan = await store.get_newest_plan(work, case_id)
    if plan is None:
        raise NotFound
    if plan.version != version:
        raise rules.PlanOutdated
    if plan.status != "approved" or edits:
        item = next((item for item in case.items if item.asks_for == "approval" and item.status == "asked"), None)
        if plan.status != "proposed" or item is None:
            raise rules.PlanNotProposed
        if edits:
            await _edit_plan(work, record, version, edits)
        await _require_able_successors(work, record, version)
        chunks = await _approve_version(work, record, version, by=work.actor)
        await apply_replies(work, record, case, Reply(case.get_item_id(item), facts=chunks))
    return await get_plan_document(work, viewer, case_id)


async def _approve_version(work: UnitOfWork, record: CaseRecord, version: int, by: str) -> Mapping[str, int]:
    """Returns how many chunks are to be moved."""
    await store.update_plan_approved(work, record.id, version, by)
    publish_journal_entry(
        work, "plan_approved", employee_id=record.employee_id, case_id=record.id, version=version, by=by
    )
    await insert_timeline_entry(work, record.id, "plan_approved", "plan", version=version)
    chunks = await cut_into_chunks(work, record.id, version, ("client", "stage", "team"))
    return {"clients": chunks.get("client", 0), "stages": chunks.get("stage", 0), "team": chunks.get("team", 0)}


async def _edit_plan(work: UnitOfWork, record: CaseRecord, version: int, edits: Sequence[PlanEdit]) -> None:
    """Puts other successors into the plan, judged by the same rules as the plan itself; who is over capacity then is shown.

    Raises `EditsRefused`, `UnknownPlanItem`.
    """
    clients = {edit.client_id: edit.to_id for edit in edits if edit.client_id}
    stages = {(edit.order_id, edit.stage): edit.to_id for edit in edits if edit.order_id and edit.stage}
    order_ids = [order_id for order_id, _ in stages]
    moves = await list_planned_moves(work, record.id, version, list(clients), order_ids)
    loads = await store.get_planned_loads_without(work, record.id, version, list(clients), order_ids)
    planned = {(move.order_id, move.stage): move.to_id for move in moves if move.stage_needs and move.to_id}
    items = {
        (move.order_id, move.stage): rules.to_stage_item(rules.restore_open_stage(move, move.stage_needs))
        for move in moves
        if move.stage_needs
    }
    problem = PlanningProblem(
        record.employee_id,
        await store.list_able_colleagues(work, record.employee_id, loads),
        tuple(ClientItem(move.client_id, move.effort) for move in moves if move.kind == "client"),
        tuple(items.values()),
    )
    violations = find_violations(problem, clients, {**planned, **stages})
    rules.require_no_violation_by_edits(violations, edits, {key: item.function for key, item in items.items()})
    over = [
        OverCapacity(one.employee_id, one.function or "", round(one.points, 3))
        for one in violations
        if one.code == "over"
    ]
    await update_successors(work, record.id, version, edits)
    await store.update_over_capacity(work, record.id, version, over)
    publish_journal_entry(
        work, "plan_edited", employee_id=record.employee_id, case_id=record.id, version=version, edits=len(edits)
    )


async def _require_able_successors(work: UnitOfWork, record: CaseRecord, version: int) -> None:
    """Who was to take over and left since the plan was made must be replaced by an edit, or by planning anew."""
    able = {colleague.id for colleague in await store.list_able_colleagues(work, record.employee_id)}
    gone = sorted(set(await list_successor_ids(work, record.id, version)) - able)
    if gone:
        raise rules.EditsRefused(
            violations=[{"code": "not_eligible", "employee_id": employee_id} for employee_id in gone]
        )
