"""The plan of a case: kept as proposed, edited and approved by the head of sales, cut into chunks to be carried out."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from services.offboarding.handlers import moving
from services.offboarding.handlers.asking import CHUNK
from services.offboarding.handlers.editing import edit, must_be_eligible
from services.offboarding.handlers.ending import decided
from services.offboarding.planner import Plan
from services.offboarding.saga import Case, Reply
from services.offboarding.store import cases, plans
from services.offboarding.store import people as places
from shared.contracts.offboarding import PlanProposed
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused

Row = Mapping[str, Any]


class OldVersion(Refused, code="old_version"):
    """The plan has been made anew since you read it. Read it again and approve its present version."""


class NotProposed(Refused, code="not_proposed"):
    """This plan does not wait for approval."""


async def keep_draft(
    work: UnitOfWork, row: Row, case: Case, plan: Plan, moves: Sequence[str], loads: str
) -> Mapping[str, int]:
    """Keeps the plan; `moves` are its rows as JSON, in parts. Below the threshold, or with nothing to place, it approves itself."""
    version = case.round
    others = await plans.other_places(work, row["employee_id"], row["id"])
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
    limit = work.settings.auto_approve_up_to
    if nothing or (limit and clients <= limit):
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
        await edit(work, row, version, edits)
    else:
        await must_be_eligible(work, row, version)
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
