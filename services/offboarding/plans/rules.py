"""What a plan is kept as: the planner's result as moves, and the moves as the planner takes them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.offboarding.moves.rules import Move, PlanEdit, StageNeeds
from services.offboarding.planner.plan import Plan
from services.offboarding.planner.problem import ClientItem, StageItem
from services.offboarding.planner.violations import Violation
from services.offboarding.portfolios.rules import Load, OpenStage, PortfolioClient
from services.offboarding.risks.rules import compute_familiarity
from shared.errors import Refused, Unprocessable

ItemKey = tuple[str | None, ...]


class PlanOutdated(Refused, code="old_version"):
    """The plan has been made anew since you read it. Read it again and approve its present version."""


class PlanNotProposed(Refused, code="not_proposed"):
    """This plan does not wait for approval."""


class EditsRefused(Refused, code="edits_refused"):
    """Some of the edits break a rule; `violations` says which and why. Nothing was approved."""


class UnknownPlanItem(Unprocessable, code="unknown_item"):
    """An edit names a client or stage that is not part of this handover; `violations` says which by their place."""


@dataclass(frozen=True)
class PlanState:
    """One version of the plan of a case."""

    version: int
    status: Literal["proposed", "approved", "withdrawn"]


@dataclass(frozen=True)
class OtherPlaces:
    """The leaver's other places, to be filled in the register: deputies are void, heads and managers vacant."""

    heads: Sequence[str] = ()
    deputy_of: Sequence[str] = ()
    manager_of: Sequence[str] = ()
    tasks: int = 0
    visits: int = 0


@dataclass(frozen=True)
class OverCapacity:
    """Who gets more than their capacity by an edit, and by how many points."""

    employee_id: str
    function: str
    points: float


def to_client_item(client: PortfolioClient, leaver_id: str, department_id: str | None) -> ClientItem:
    return ClientItem(
        id=client.client_id,
        effort=client.effort,
        value=client.value,
        regions=frozenset(client.regions),
        languages=frozenset(client.languages),
        team={function: member for function, member in client.team.items() if member != leaver_id},
        known_by={who: much for who, much in compute_familiarity(client.scores).items() if who != leaver_id},
        prefer_department=department_id,
    )


def to_stage_item(stage: OpenStage, department_id: str | None = None) -> StageItem:
    return StageItem(
        order_id=stage.order_id,
        stage=stage.stage,
        function=stage.function,
        client_id=stage.client_id,
        effort=stage.effort,
        taken={name: who for name, who in stage.taken.items() if who},
        apart=frozenset(stage.apart),
        prefer_department=department_id,
    )


def restore_open_stage(move: Move, needs: StageNeeds) -> OpenStage:
    """The stage that a move is of, as it was when the plan was made."""
    return OpenStage(move.order_id, move.client_id, move.stage, needs.function, move.effort, needs.taken, needs.apart)


def sum_loads_without_clients(loads: Sequence[Load], clients: Sequence[PortfolioClient]) -> dict[str, dict[str, float]]:
    """Points per colleague and function. What a caretaker holds of this leaver is what is to be placed, and no load yet."""
    sums: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for load in loads:
        sums[load.employee_id][load.function] += load.points
    for client in clients:
        sums[client.owner_id]["sales"] -= client.effort
    return {who: {function: max(0.0, points) for function, points in load.items()} for who, load in sums.items()}


def to_moves(plan: Plan, clients: Sequence[PortfolioClient], stages: Sequence[OpenStage]) -> list[Move]:
    """A move for each client, stage and team place, placed or not."""
    by_client = {client.client_id: client for client in clients}
    by_stage = {(stage.order_id, stage.stage): stage for stage in stages}

    def move_client(client_id: str, **result: Any) -> Move:
        client = by_client[client_id]
        return Move("client", client_id, effort=client.effort, is_closed=client.status == "closed", **result)

    def move_stage(order_id: str, name: str, **result: Any) -> Move:
        stage = by_stage[order_id, name]
        needs = StageNeeds(stage.function, stage.taken, stage.apart)
        return Move("stage", stage.client_id, order_id, name, effort=stage.effort, stage_needs=needs, **result)

    moves = [move_client(one.client_id, to_id=one.to_id, reasons=one.why, cost=one.cost) for one in plan.clients]
    moves += [
        move_stage(one.order_id, one.stage, to_id=one.to_id, reasons=one.why, cost=one.cost) for one in plan.stages
    ]
    moves += [Move("team", one.client_id, function=one.function, to_id=one.to_id) for one in plan.team]
    for left in plan.unplaced:
        if left.order_id and left.stage:
            moves.append(move_stage(left.order_id, left.stage, unplaced_reason=left.reason, cost=left.cost))
        elif left.function:
            moves.append(
                Move("team", left.client_id, function=left.function, unplaced_reason=left.reason, cost=left.cost)
            )
        else:
            moves.append(move_client(left.client_id, unplaced_reason=left.reason, cost=left.cost))
    return moves


def require_no_violation_by_edits(
    violations: Sequence[Violation], edits: Sequence[PlanEdit], function_by_stage: Mapping[tuple[str, str], str]
) -> None:
    """Raises `UnknownPlanItem` or `EditsRefused` where an edit breaks a rule. `function_by_stage`: that each needs.

    A client may go beyond capacity, a stage may not: `orders` would refuse it.
    """
    stages = {(edit.order_id or "", edit.stage or ""): edit.to_id for edit in edits if edit.order_id}
    clients = {edit.client_id for edit in edits if edit.client_id}
    given = {(to_id, function_by_stage[stage]) for stage, to_id in stages.items() if stage in function_by_stage}

    def forbids(violation: Violation) -> bool:
        if violation.code == "over":
            return (violation.employee_id, violation.function) in given
        stage = (violation.order_id or "", violation.stage or "")
        return violation.forbids_approval and (stage in stages or violation.client_id in clients)

    broken = [violation for violation in violations if forbids(violation)]
    if broken:
        positions = _positions_of_edits(edits)
        listed = [{"code": violation.code, "edits": positions[_key_of_violation(violation)]} for violation in broken]
        is_unknown = any(violation.code == "unknown" for violation in broken)
        raise (UnknownPlanItem if is_unknown else EditsRefused)(violations=listed)


def _positions_of_edits(edits: Sequence[PlanEdit]) -> defaultdict[ItemKey, list[int]]:
    """The edits of each item, and those that give something to each colleague, by their place in the list: their content is
    not repeated."""
    positions: defaultdict[ItemKey, list[int]] = defaultdict(list)
    for position, edit in enumerate(edits):
        positions[(edit.order_id, edit.stage) if edit.order_id else ("", edit.client_id)].append(position)
        positions[edit.to_id,].append(position)
    return positions


def _key_of_violation(violation: Violation) -> ItemKey:
    if violation.code == "over":
        return (violation.employee_id,)
    return (violation.order_id, violation.stage) if violation.order_id else ("", violation.client_id)
