"""A plan for anybody: what the other services say of them, put to the planner in a thread. Changes nothing."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.offboarding import directory
from services.offboarding.domain import risk
from services.offboarding.handlers.editing import colleagues, to_stage
from services.offboarding.planner import ClientItem, Plan, Problem, TeamItem, plan
from shared.database import UnitOfWork
from shared.service import Runtime

Row = Mapping[str, Any]
PART = 5_000  # rows of JSON in one statement


@dataclass(frozen=True)
class Proposal:
    """A plan, its rows as JSON in parts, and what weighed on the colleagues before it: points per function."""

    plan: Plan
    rows: Sequence[str]
    loads: str


async def propose(runtime: Runtime, leaver: str, employment_id: str | None = None) -> Proposal:
    """A plan for anybody; changes nothing. Raises `directory.NotThere`.

    With `employment_id`, for what that employment left: whoever was rehired since keeps what they hold now.
    """
    now = await runtime.transact(_employment, leaver)
    gone = employment_id is not None and now["employment_id"] != employment_id
    clients = [] if gone else await directory.portfolio(runtime.calls, leaver)
    places = [] if gone else await directory.team_places(runtime.calls, leaver)
    stages = [] if gone else await directory.open_stages(runtime.calls, leaver)
    owners, doers = await directory.client_loads(runtime.calls), await directory.stage_loads(runtime.calls)
    able = await runtime.transact(colleagues, leaver)

    def compute() -> Proposal:
        loads = _loads(owners, doers, clients)
        loaded = tuple(replace(colleague, load=loads.get(colleague.id, {})) for colleague in able)
        department = now["department_id"]
        problem = Problem(
            leaver,
            loaded,
            tuple(_client(client, leaver, department) for client in clients),
            tuple(to_stage(stage, stage, department) for stage in stages),
            tuple(TeamItem(place["client_id"], place["function"], place["owner_id"]) for place in places),
        )
        made = plan(problem)
        weighs = {colleague.id: colleague.load for colleague in loaded if colleague.load}
        return Proposal(made, _rows(made, clients, stages), json.dumps(weighs))

    return await asyncio.to_thread(compute)


async def _employment(work: UnitOfWork, employee_id: str) -> Row:
    known = await work.fetch_row(
        "SELECT department_id, employment_id FROM people WHERE employee_id = :id", id=employee_id
    )
    return known or {"department_id": None, "employment_id": None}


def _loads(owners: Sequence[Row], doers: Sequence[Row], clients: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Points per colleague and function. What a caretaker holds of this leaver is what is to be placed, and no load yet."""
    loads: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for owner in owners:
        loads[owner["employee_id"]]["sales"] += float(owner["effort"])
    for client in clients:
        loads[client["owner_id"]]["sales"] -= float(client["effort"])
    for doer in doers:
        loads[doer["employee_id"]][doer["function"]] += float(doer["load"])
    return {who: {function: max(0.0, points) for function, points in load.items()} for who, load in loads.items()}


def _client(client: Row, leaver: str, department: str | None) -> ClientItem:
    return ClientItem(
        id=client["client_id"],
        effort=float(client["effort"]),
        value=float(client["value"] or 0),
        regions=frozenset(client["regions"]),
        languages=frozenset(client["languages"]),
        team={function: who for function, who in client["team"].items() if who != leaver},
        known_by={who: much for who, much in risk.familiarity(client["scores"]).items() if who != leaver},
        prefer_department=department,
    )


def _rows(made: Plan, clients: Sequence[Row], stages: Sequence[Row]) -> list[str]:
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
    return parts(rows)


def parts(rows: Sequence[Row]) -> list[str]:
    return [json.dumps(rows[start : start + PART]) for start in range(0, len(rows), PART)]
