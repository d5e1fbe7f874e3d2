"""The plan of a case: kept as proposed, edited and approved by the head of sales, cut into chunks to be carried out."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from services.offboarding.handlers import moving
from services.offboarding.handlers.asking import CHUNK
from services.offboarding.handlers.ending import decided
from services.offboarding.planner import ClientItem, Colleague, Plan, Problem, StageItem, Violation, violations
from services.offboarding.saga import Case, Reply
from services.offboarding.store import cases, plans
from services.offboarding.store import people as places
from shared import people
from shared.contracts.offboarding import PlanProposed
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused, Unprocessable

Row = Mapping[str, Any]


class OldVersion(Refused):
    """The plan has been made anew since you read it. Read it again and approve its present version."""


class NotProposed(Refused):
    """This plan does not wait for approval."""


class EditsRefused(Refused):
    """Some of the edits break a rule; `violations` says which and why. Nothing was approved."""


class UnknownItem(Unprocessable):
    """An edit names a client or stage that is not part of this handover; `violations` says which by their place."""


async def keep_draft(work: UnitOfWork, row: Row, case: Case, plan: Plan, moves: Sequence[str]) -> Mapping[str, int]:
    """Keeps the plan; `moves` are its rows as JSON, in parts. Below the threshold, or with nothing to place, it approves itself."""
    version = case.round
    others = await plans.other_places(work, row["employee_id"], row["id"])
    await work.execute(
        """
        INSERT INTO plans (case_id, version, status, objective, bound, gap, places, made_at)
        VALUES (:case_id, :version, 'proposed', :objective, :bound, :gap, CAST(:places AS jsonb), :now)
        """,
        case_id=case.id,
        version=version,
        objective=plan.objective,
        bound=plan.bound,
        gap=plan.gap,
        places=json.dumps(others),
        now=work.now,
    )
    for part in moves:
        await plans.keep_moves(work, case.id, version, part)
    approver = await places.head_of_sales(work, row["employee_id"])
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
    await cases.note(
        work, case.id, "plan_proposed", "plan", version=version, clients=len(plan.items), stages=len(plan.stages)
    )
    clients = len(plan.items) + unplaced["client"]
    nothing = not (clients or plan.stages or plan.team or plan.unplaced)
    if nothing or 0 < clients <= work.settings.auto_approve_up_to:
        return await _approve(work, row, version, by=work.service)
    return {"approval": 1}


async def approve(
    work: UnitOfWork, case_id: str, version: int, edits: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Approves this version with the edits. Raises `OldVersion`, `NotProposed`, `EditsRefused`, `UnknownItem`."""
    row, case = await moving.locked(work, case_id)
    plan = await plans.newest(work, case_id)
    if plan is None:
        raise NotFound
    if plan["version"] != version:
        raise OldVersion
    if plan["status"] == "approved" and not edits:
        return plan
    item = next((item for item in case.items if item.what == "approval" and item.status == "asked"), None)
    if plan["status"] != "proposed" or item is None:
        raise NotProposed
    if edits:
        await _edit(work, row, version, edits)
    else:
        await _must_be_eligible(work, row, version)
    facts = await _approve(work, row, version, by=work.actor)
    await moving.reply(work, row, case, Reply(case.id_of(item), facts=facts))
    return await plans.newest(work, case_id) or plan


async def _approve(work: UnitOfWork, row: Row, version: int, by: str) -> Mapping[str, int]:
    await work.execute(
        """
        UPDATE plans SET status = 'approved', approved_at = :now, approved_by = :by
        WHERE case_id = :case_id AND version = :version
        """,
        case_id=row["id"],
        version=version,
        by=by,
        now=work.now,
    )
    decided(work, row, "plan_approved", version=version, by=by)
    await cases.note(work, row["id"], "plan_approved", "plan", version=version)
    chunks = await plans.cut(work, row["id"], version, CHUNK)
    return {"clients": chunks.get("client", 0), "stages": chunks.get("stage", 0), "team": chunks.get("team", 0)}


async def _edit(work: UnitOfWork, row: Row, version: int, edits: Sequence[Mapping[str, Any]]) -> None:
    clients = {edit["client_id"]: edit["to_id"] for edit in edits if edit.get("client_id")}
    stages = {(edit["order_id"], edit["stage"]): edit["to_id"] for edit in edits if edit.get("order_id")}
    known = await plans.of_orders_and_clients(work, row["id"], version, list(clients), [order for order, _ in stages])
    planned = {
        (move["order_id"], move["stage"]): move["to_id"] for move in known if move["part"] == "stage" and move["to_id"]
    }
    problem = Problem(
        row["employee_id"],
        await colleagues(work, row["employee_id"]),
        tuple(ClientItem(move["client_id"], move["effort"]) for move in known if move["part"] == "client"),
        tuple(to_stage(move, move["about"]) for move in known if move["part"] == "stage"),
    )
    found = [
        one
        for one in violations(problem, clients, {**planned, **stages})
        if one.refused and _named(one, clients, stages)
    ]
    if found:
        order = {**{client: place for place, client in enumerate(clients)}, **{key: n for n, key in enumerate(stages)}}
        listed = [
            {"code": one.code, "at": order.get((one.order_id, one.stage) if one.order_id else one.client_id, 0)}
            for one in found
        ]
        raise (UnknownItem if any(one.code == "unknown" for one in found) else EditsRefused)(violations=listed)
    await plans.edit(
        work,
        row["id"],
        version,
        [{"client_id": client, "to_id": to_id} for client, to_id in clients.items()],
        [{"order_id": order_id, "stage": stage, "to_id": to_id} for (order_id, stage), to_id in stages.items()],
    )
    await _must_be_eligible(work, row, version)
    decided(work, row, "plan_edited", version=version, edits=len(edits))


def _named(violation: Violation, clients: Mapping[str, str], stages: Mapping[tuple[str, str], str]) -> bool:
    if violation.order_id:
        return (violation.order_id, violation.stage or "") in stages
    return violation.client_id in clients


async def _must_be_eligible(work: UnitOfWork, row: Row, version: int) -> None:
    """Who was to take over and left since the plan was made must be replaced by an edit, or by planning anew."""
    able = {colleague.id for colleague in await colleagues(work, row["employee_id"])}
    chosen = await plans.successors(work, row["id"], version)
    gone = sorted(set(chosen) - able)
    if gone:
        raise EditsRefused(violations=[{"code": "not_eligible", "employee_id": one} for one in gone])


async def colleagues(
    work: UnitOfWork, leaver: str, loads: Mapping[str, Mapping[str, float]] | None = None
) -> tuple[Colleague, ...]:
    """Who can take over now: works here, is not leaving, not frozen, not absent."""
    rows = await work.rows(
        "SELECT * FROM people WHERE status = 'active' AND NOT frozen AND NOT settling AND employee_id <> :leaver",
        leaver=leaver,
    )
    day = people.today(work)
    return tuple(
        Colleague(
            id=row["employee_id"],
            capacity={function: float(points) for function, points in row["functions"].items()},
            load=(loads or {}).get(row["employee_id"], {}),
            department_id=row["department_id"],
            regions=frozenset(row["regions"]),
            languages=frozenset(row["languages"]),
        )
        for row in rows
        if not people.is_absent(row, day)
    )


def to_stage(stage: Mapping[str, Any], about: Mapping[str, Any], department: str | None = None) -> StageItem:
    return StageItem(
        order_id=stage["order_id"],
        stage=stage["stage"],
        function=about["function"],
        client_id=stage["client_id"],
        effort=float(stage["effort"]),
        taken={name: who for name, who in about["taken"].items() if who},
        apart=frozenset(about["apart"]),
        prefer_department=department,
    )
