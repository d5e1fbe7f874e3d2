"""A plan for anybody, put to the planner in a thread; and the draft of a case, kept as proposed."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.offboarding.assignees.store import get_head_of_sales
from services.offboarding.cases.store import insert_timeline_entry
from services.offboarding.jobs.handlers import JobResult
from services.offboarding.moves.rules import split_into_json
from services.offboarding.moves.store import insert_moves
from services.offboarding.other_services import (
    fetch_client_loads,
    fetch_open_stages,
    fetch_portfolio,
    fetch_stage_loads,
    fetch_team_places,
)
from services.offboarding.permissions.rules import Row
from services.offboarding.planner import ClientItem
from services.offboarding.planner.plan import Plan, make_plan
from services.offboarding.planner.problem import PlanningProblem, TeamPlaceItem
from services.offboarding.plans.handlers import approvals
from services.offboarding.plans.rules import to_stage_item
from services.offboarding.plans.store import get_other_places, list_able_colleagues
from services.offboarding.risks.rules import compute_familiarity
from services.offboarding.saga import Case
from shared.contracts.offboarding import PlanProposed
from shared.database import UnitOfWork
from shared.service import Runtime


@dataclass(frozen=True)
class PlanProposal:
    """A plan, its rows as JSON in parts, and what weighed on the colleagues before it: points per function."""

    plan: Plan
    rows: Sequence[str]
    loads: str


async def propose_plan(runtime: Runtime, leaver: str, employment_id: str | None = None) -> PlanProposal:
    """A plan for anybody; changes nothing. Raises `directory.NotThere`.

    With `employment_id`, for what that employment left: whoever was rehired since keeps what they hold now.
    """
    now = await runtime.transact(_get_employment, leaver)
    gone = employment_id is not None and now["employment_id"] != employment_id
    clients = [] if gone else await fetch_portfolio(runtime.calls, leaver)
    places = [] if gone else await fetch_team_places(runtime.calls, leaver)
    stages = [] if gone else await fetch_open_stages(runtime.calls, leaver)
    owners, doers = await fetch_client_loads(runtime.calls), await fetch_stage_loads(runtime.calls)
    able = await runtime.transact(list_able_colleagues, leaver)

    def compute() -> PlanProposal:
        loads = _sum_loads(owners, doers, clients)
        loaded = tuple(replace(colleague, load=loads.get(colleague.id, {})) for colleague in able)
        department = now["department_id"]
        problem = PlanningProblem(
            leaver,
            loaded,
            tuple(_to_client_item(client, leaver, department) for client in clients),
            tuple(to_stage_item(stage, stage, department) for stage in stages),
            tuple(TeamPlaceItem(place["client_id"], place["function"], place["owner_id"]) for place in places),
        )
        made = make_plan(problem)
        weighs = {colleague.id: colleague.load for colleague in loaded if colleague.load}
        return PlanProposal(made, _to_move_rows(made, clients, stages), json.dumps(weighs))

    return await asyncio.to_thread(compute)


async def _get_employment(work: UnitOfWork, employee_id: str) -> Row:
    known = await work.fetch_row(
        "SELECT department_id, employment_id FROM people WHERE employee_id = :id", id=employee_id
    )
    return known or {"department_id": None, "employment_id": None}


def _sum_loads(owners: Sequence[Row], doers: Sequence[Row], clients: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Points per colleague and function. What a caretaker holds of this leaver is what is to be placed, and no load yet."""
    loads: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for owner in owners:
        loads[owner["employee_id"]]["sales"] += float(owner["effort"])
    for client in clients:
        loads[client["owner_id"]]["sales"] -= float(client["effort"])
    for doer in doers:
        loads[doer["employee_id"]][doer["function"]] += float(doer["load"])
    return {who: {function: max(0.0, points) for function, points in load.items()} for who, load in loads.items()}


def _to_client_item(client: Row, leaver: str, department: str | None) -> ClientItem:
    return ClientItem(
        id=client["client_id"],
        effort=float(client["effort"]),
        value=float(client["value"] or 0),
        regions=frozenset(client["regions"]),
        languages=frozenset(client["languages"]),
        team={function: who for function, who in client["team"].items() if who != leaver},
        known_by={who: much for who, much in compute_familiarity(client["scores"]).items() if who != leaver},
        prefer_department=department,
    )


def _to_move_rows(made: Plan, clients: Sequence[Row], stages: Sequence[Row]) -> list[str]:
    effort = {client["client_id"]: client["effort"] for client in clients}
    closed = {client["client_id"] for client in clients if client["status"] == "closed"}
    about = {(stage["order_id"], stage["stage"]): stage for stage in stages}

    def stage_row(one: Any) -> dict[str, Any]:
        stage = about[one.order_id, one.stage]
        kept = {"function": stage["function"], "taken": stage["taken"], "apart": list(stage["apart"])}
        return {
            "part": "stage",
            "client_id": stage["client_id"],
            "order_id": one.order_id,
            "stage": one.stage,
            "effort": stage["effort"],
            "about": kept,
        }

    rows: list[dict[str, Any]] = [
        {
            "part": "client",
            "client_id": one.client_id,
            "to_id": one.to_id,
            "why": one.why,
            "cost": one.cost,
            "effort": effort[one.client_id],
            **({"about": {"closed": True}} if one.client_id in closed else {}),
        }
        for one in made.items
    ]
    rows += [{**stage_row(one), "to_id": one.to_id, "why": one.why, "cost": one.cost} for one in made.stages]
    rows += [
        {"part": "team", "client_id": one.client_id, "function": one.function, "to_id": one.to_id} for one in made.team
    ]
    for left in made.unplaced:
        if left.order_id:
            rows.append({**stage_row(left), "unplaced": left.reason, "cost": left.cost})
        else:
            rows.append(
                {
                    "part": "team" if left.function else "client",
                    "client_id": left.client_id,
                    "function": left.function,
                    "unplaced": left.reason,
                    "cost": left.cost,
                    "effort": effort.get(left.client_id, 1),
                    **({"about": {"closed": True}} if left.client_id in closed and not left.function else {}),
                }
            )
    return split_into_json(rows)


async def compute_draft(runtime: Runtime, row: Row) -> JobResult:
    """Who takes over what."""
    proposal = await propose_plan(runtime, row["employee_id"], row["employment_id"])

    async def write(work: UnitOfWork, row: Row, case: Case) -> Mapping[str, int]:
        return await save_draft(work, row, case, proposal.plan, proposal.rows, proposal.loads)

    return JobResult(write)


async def save_draft(
    work: UnitOfWork, row: Row, case: Case, plan: Plan, moves: Sequence[str], loads: str
) -> Mapping[str, int]:
    """Keeps the plan; `moves` are its rows as JSON, in parts. Below the threshold, or with nothing to place, it approves itself."""
    version = case.round
    others = await get_other_places(work, row["employee_id"], row["id"])
    await work.execute(
        """
        INSERT INTO plans (case_id, version, status, objective, bound, gap, places, loads, made_at)
        VALUES (:case_id, :version, 'proposed', :objective, :bound, :gap, CAST(:places AS jsonb), CAST(:loads AS jsonb), :now)
        """,
        case_id=case.id,
        version=version,
        objective=plan.objective,
        bound=plan.bound,
        gap=plan.gap,
        places=json.dumps(others),
        loads=loads,
        now=work.now,
    )
    for part in moves:
        await insert_moves(work, case.id, version, part)
    approver = await get_head_of_sales(work, row["employee_id"])
    unplaced = Counter("stage" if one.order_id else "team" if one.function else "client" for one in plan.unplaced)
    work.publish(
        PlanProposed(
            case_id=case.id,
            employee_id=row["employee_id"],
            version=version,
            clients=len(plan.items),
            stages=len(plan.stages),
            unplaced=sum(unplaced.values()),
            gap=plan.gap,
            approver_id=approver,
        )
    )
    await insert_timeline_entry(
        work, case.id, "plan_proposed", "plan", version=version, clients=len(plan.items), stages=len(plan.stages)
    )
    clients = len(plan.items) + unplaced["client"]
    nothing = not (clients or plan.stages or plan.team or plan.unplaced)
    limit = work.settings.auto_approve_up_to
    if nothing or (limit and clients <= limit):
        return await approvals.approve_version(work, row, version, by=work.service)
    return {"approval": 1}
