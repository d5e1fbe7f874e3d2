"""A proposed plan is edited, judged by the same rules as the planner's own, and approved by the head of sales."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from services.offboarding.cases.journal import journal_decision
from services.offboarding.cases.runner import answer_case, require_locked_case
from services.offboarding.cases.store import insert_timeline_entry
from services.offboarding.moves.rules import CHUNK_SIZE
from services.offboarding.moves.store import list_moves_of, list_successor_ids, update_chunks
from services.offboarding.permissions.handlers import lock_participants, require_head_of_case
from services.offboarding.permissions.rules import Row, Viewer
from services.offboarding.permissions.store import get_leaver_id
from services.offboarding.planner import ClientItem
from services.offboarding.planner.problem import PlanningProblem
from services.offboarding.planner.violations import Violation, find_violations
from services.offboarding.plans.rules import to_stage_item
from services.offboarding.plans.store import get_loads_without, get_newest_plan, list_able_colleagues, update_successors
from services.offboarding.saga import Reply
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused, Unprocessable


class PlanOutdated(Refused, code="old_version"):
    """The plan has been made anew since you read it. Read it again and approve its present version."""


class PlanNotProposed(Refused, code="not_proposed"):
    """This plan does not wait for approval."""


async def _approve_locked(
    work: UnitOfWork, case_id: str, version: int, edits: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Approves this version with the edits. Raises `OldVersion`, `NotProposed`, `EditsRefused`, `UnknownItem`."""
    row, case = await require_locked_case(work, case_id)
    plan = await get_newest_plan(work, case_id)
    if plan is None:
        raise NotFound
    if plan["version"] != version:
        raise PlanOutdated
    if plan["status"] == "approved" and not edits:
        return plan
    item = next((item for item in case.items if item.what == "approval" and item.status == "asked"), None)
    if plan["status"] != "proposed" or item is None:
        raise PlanNotProposed
    if edits:
        await _edit_plan(work, row, version, edits)
    else:
        await _require_eligible_successors(work, row, version)
    facts = await approve_version(work, row, version, by=work.actor)
    await answer_case(work, row, case, Reply(case.id_of(item), facts=facts))
    return await get_newest_plan(work, case_id) or plan


async def approve_version(work: UnitOfWork, row: Row, version: int, by: str) -> Mapping[str, int]:
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
    journal_decision(work, row, "plan_approved", version=version, by=by)
    await insert_timeline_entry(work, row["id"], "plan_approved", "plan", version=version)
    chunks = await update_chunks(work, row["id"], version, CHUNK_SIZE)
    return {"clients": chunks.get("client", 0), "stages": chunks.get("stage", 0), "team": chunks.get("team", 0)}


async def approve_plan(
    work: UnitOfWork, viewer: Viewer, case_id: str, version: int, edits: Sequence[Mapping[str, Any]]
) -> int:
    """Approves a plan as its head of sales; returns its version. Raises as `planning.approve` does, and `Forbidden`."""
    await require_head_of_case(work, viewer, case_id)
    await lock_participants(work, await get_leaver_id(work, case_id), [edit["to_id"] for edit in edits])
    return int((await _approve_locked(work, case_id, version, edits))["version"])


class EditsRefused(Refused, code="edits_refused"):
    """Some of the edits break a rule; `violations` says which and why. Nothing was approved."""


class UnknownPlanItem(Unprocessable, code="unknown_item"):
    """An edit names a client or stage that is not part of this handover; `violations` says which by their place."""


async def _edit_plan(work: UnitOfWork, row: Row, version: int, edits: Sequence[Mapping[str, Any]]) -> None:
    """Puts other successors into the plan. Raises `EditsRefused`, `UnknownItem`; who is over capacity then is shown.

    An edit is `client_id` and `to_id`, or `order_id`, `stage` and `to_id`. A client may go beyond capacity, a stage may not:
    `orders` would refuse it.
    """
    clients = {one["client_id"]: one["to_id"] for one in edits if one.get("client_id")}
    stages = {(one["order_id"], one["stage"]): one["to_id"] for one in edits if one.get("order_id")}
    orders = [order_id for order_id, _ in stages]
    known = await list_moves_of(work, row["id"], version, list(clients), orders)
    loads = await get_loads_without(work, row["id"], version, list(clients), orders)
    items = {
        (one["order_id"], one["stage"]): to_stage_item(one, one["about"]) for one in known if one["part"] == "stage"
    }
    planned = {
        (one["order_id"], one["stage"]): one["to_id"] for one in known if one["part"] == "stage" and one["to_id"]
    }
    problem = PlanningProblem(
        row["employee_id"],
        await list_able_colleagues(work, row["employee_id"], loads),
        tuple(ClientItem(one["client_id"], one["effort"]) for one in known if one["part"] == "client"),
        tuple(items.values()),
    )
    given = {(to_id, items[key].function) for key, to_id in stages.items() if key in items}

    def forbids(one: Violation) -> bool:
        if one.code == "over":
            return (one.employee_id, one.function) in given
        return one.refused and ((one.order_id or "", one.stage or "") in stages or one.client_id in clients)

    judged = find_violations(problem, clients, {**planned, **stages})
    found = [one for one in judged if forbids(one)]
    if found:
        places = _positions_of_edits(edits)
        listed = [{"code": one.code, "edits": places[_key_of_violation(one)]} for one in found]
        raise (UnknownPlanItem if any(one.code == "unknown" for one in found) else EditsRefused)(violations=listed)
    await update_successors(
        work, row["id"], version, edits, [_to_over_capacity(one) for one in judged if one.code == "over"]
    )
    await _require_eligible_successors(work, row, version)
    journal_decision(work, row, "plan_edited", version=version, edits=len(edits))


def _positions_of_edits(edits: Sequence[Mapping[str, Any]]) -> defaultdict[tuple[str | None, ...], list[int]]:
    """The edits of each item, and those that give something to each colleague, by their place in the list: their content is
    not repeated."""
    places: defaultdict[tuple[str | None, ...], list[int]] = defaultdict(list)
    for place, edit in enumerate(edits):
        item = (edit["order_id"], edit["stage"]) if edit.get("order_id") else ("", edit["client_id"])
        places[item].append(place)
        places[edit["to_id"],].append(place)
    return places


def _key_of_violation(one: Violation) -> tuple[str | None, ...]:
    if one.code == "over":
        return (one.employee_id,)
    return (one.order_id, one.stage) if one.order_id else ("", one.client_id)


def _to_over_capacity(one: Violation) -> dict[str, Any]:
    return {"employee_id": one.employee_id, "function": one.function, "points": round(one.points, 3)}


async def _require_eligible_successors(work: UnitOfWork, row: Row, version: int) -> None:
    """Who was to take over and left since the plan was made must be replaced by an edit, or by planning anew."""
    able = {colleague.id for colleague in await list_able_colleagues(work, row["employee_id"])}
    chosen = await list_successor_ids(work, row["id"], version)
    gone = sorted(set(chosen) - able)
    if gone:
        raise EditsRefused(violations=[{"code": "not_eligible", "employee_id": one} for one in gone])
