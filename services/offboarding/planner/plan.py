"""The plan, in the words of the people who approve it."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.offboarding.planner import costs
from services.offboarding.planner.costs import ROUNDING_TOLERANCE, CostArrays, Ints, build_cost_arrays
from services.offboarding.planner.problem import ClientItem, Colleague, PlanningProblem, StageItem, sort_problem
from services.offboarding.planner.rounding import assign_items

ROOMY_UTILISATION = 0.8  # utilisation up to which having room is a reason

NO_FUNCTION, NO_CAPACITY, SEPARATION = "no_function", "no_capacity", "separation"


@dataclass(frozen=True, slots=True)
class PlacedClient:
    """A client and its successor. `why`: what speaks for them, and `sole_person` where nobody else knows the client."""

    client_id: str
    to_id: str
    why: tuple[str, ...]
    cost: float


@dataclass(frozen=True, slots=True)
class PlacedStage:
    """An open stage and who does it from now on."""

    order_id: str
    stage: str
    to_id: str
    why: tuple[str, ...]
    cost: float


@dataclass(frozen=True, slots=True)
class PlacedTeamPlace:
    """A place in the team of a client and who takes it."""

    client_id: str
    function: str
    to_id: str


@dataclass(frozen=True, slots=True)
class UnplacedItem:
    """What nobody can take: a client, a stage (with `order_id` and `stage`) or a membership (with `function` alone).

    `reason`: `no_function` nobody has it, `no_capacity` nobody has room, `separation` all who could do a stage that
    must be in other hands. `cost` is what the objective counts for it.
    """

    client_id: str
    reason: str
    order_id: str | None = None
    stage: str | None = None
    function: str | None = None
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Who takes over what. The costs of clients, stages and unplaced add up to `objective`.

    No plan for the same problem costs less than `bound`; `gap` is (objective - bound) / objective, 0 for an optimum.
    Memberships weigh on nobody: each goes to who fits best once the owners are known, and costs nothing.
    """

    clients: tuple[PlacedClient, ...]
    stages: tuple[PlacedStage, ...]
    team: tuple[PlacedTeamPlace, ...]
    unplaced: tuple[UnplacedItem, ...]
    objective: float
    bound: float
    gap: float


def make_plan(problem: PlanningProblem) -> Plan:
    """Place all that the leaver leaves. Each item is placed or listed as unplaced, once.

    Raises ValueError when an id occurs twice, or an effort, value, capacity or load is negative or not finite.
    """
    problem = sort_problem(problem)
    colleagues = problem.colleagues
    arrays = build_cost_arrays(problem)
    to, bound = assign_items(arrays, problem.limits)
    costs, words = arrays.costs(to).tolist(), _reasons_for(problem, arrays, to)
    reasons = _reasons_unplaced(arrays, to)
    hands = to.tolist()
    items: list[PlacedClient] = []
    placed: list[PlacedStage] = []
    unplaced: list[UnplacedItem] = []
    for i, item in enumerate(problem.items):
        j = hands[i]
        if isinstance(item, ClientItem):
            if j >= 0:
                items.append(PlacedClient(item.id, colleagues[j].id, words[i], costs[i]))
            else:
                unplaced.append(UnplacedItem(item.id, reasons[i], cost=costs[i]))
        elif j >= 0:
            placed.append(PlacedStage(item.order_id, item.stage, colleagues[j].id, words[i], costs[i]))
        else:
            unplaced.append(UnplacedItem(item.client_id, reasons[i], item.order_id, item.stage, cost=costs[i]))
    team, vacant = _place_team(problem, {p.client_id: p.to_id for p in items})
    objective = float(sum(costs))
    bound = min(bound, objective)
    gap = (objective - bound) / objective if objective > 0 else 0.0
    return Plan(tuple(items), tuple(placed), team, (*unplaced, *vacant), objective, bound, gap)


def _reasons_for(problem: PlanningProblem, fit: CostArrays, to: Ints) -> list[tuple[str, ...]]:
    """Per item what speaks for its new hands."""
    colleagues, hands = problem.colleagues, to.tolist()
    shared = []
    for _, needs, offers in fit.misfit:  # languages, regions, department
        hit = np.zeros(len(to), bool)
        hit[to >= 0] = np.einsum("ik,ik->i", needs[fit.profile[to >= 0]], offers[to[to >= 0]]) > 0
        shared.append(hit.tolist())
    roomy = (fit.room - fit.loads(to) >= (1 - ROOMY_UTILISATION) * fit.capacity).tolist()
    function, known = fit.function.tolist(), costs.list_people_knowing_clients(problem)
    joining = {t.client_id for t in problem.team}
    words: list[tuple[str, ...]] = []
    for i, item in enumerate(problem.items):
        j = hands[i]
        if j < 0:
            words.append(())
            continue
        who = colleagues[j].id
        said = {
            "function": True,
            "relationship": isinstance(item, ClientItem) and item.known_by.get(who, 0.0) > 0,
            "team": isinstance(item, ClientItem) and who in item.team.values(),
            "same_order": isinstance(item, StageItem) and who in item.taken.values(),
            "language": shared[0][i],
            "region": shared[1][i],
            "department": shared[2][i],
            "room": roomy[function[i]][j],
            "sole_person": isinstance(item, ClientItem) and item.id not in joining and known[i] <= {who},
        }
        words.append(tuple(word for word, true in said.items() if true))
    return words


def _reasons_unplaced(fit: CostArrays, to: Ints) -> dict[int, str]:
    """Why each unplaced item is."""
    apart: dict[int, list[int]] = {}
    for a, b in fit.separated_items.tolist():
        apart.setdefault(a, []).append(int(to[b]))
        apart.setdefault(b, []).append(int(to[a]))
    left, reasons = fit.room - fit.loads(to), {}
    unplaced = np.flatnonzero(to < 0)
    for rows in np.array_split(unplaced, len(unplaced) // 4096 + 1):
        allowed = np.isfinite(fit.cost(rows))
        able = fit.able[fit.function[rows]]
        roomy = fit.effort[rows, None] <= left[fit.function[rows]] + ROUNDING_TOLERANCE
        for i, can, may, has_room in zip(rows.tolist(), able, allowed, roomy, strict=True):
            others = [j for j in apart.get(i, ()) if j >= 0]
            may[others] = False
            if not can.any():
                reasons[i] = NO_FUNCTION
            elif not may.any() or (can & has_room).any():
                reasons[i] = SEPARATION
            else:
                reasons[i] = NO_CAPACITY
    return reasons


def _place_team(
    problem: PlanningProblem, owners: Mapping[str, str]
) -> tuple[tuple[PlacedTeamPlace, ...], tuple[UnplacedItem, ...]]:
    """A new member for each place: not the owner nor somebody already in the team, where another has the function.

    Then whoever knows the client best, then whoever has got the fewest places and is least loaded.
    """
    holders = {f: [c for c in problem.colleagues if f in c.capacity] for f in {t.function for t in problem.team}}
    given: Counter[str] = Counter()
    members: defaultdict[str, set[str]] = defaultdict(set)
    placed: list[PlacedTeamPlace] = []
    vacant: list[UnplacedItem] = []
    known = {c.id: c.known_by for c in problem.clients}
    for item in problem.team:
        owner = owners.get(item.client_id, item.owner_id)
        if not holders[item.function]:
            vacant.append(UnplacedItem(item.client_id, NO_FUNCTION, function=item.function))
            continue
        serving, knows = members[item.client_id], known.get(item.client_id, {})
        best = min(
            holders[item.function],
            key=lambda c: (
                c.id == owner,
                c.id in serving,
                -knows.get(c.id, 0.0),
                given[c.id],
                _utilisation(c, item.function),
                c.id,
            ),
        )
        given[best.id] += 1
        serving.add(best.id)
        placed.append(PlacedTeamPlace(item.client_id, item.function, best.id))
    return tuple(placed), tuple(vacant)


def _utilisation(colleague: Colleague, function: str) -> float:
    capacity = colleague.capacity[function]
    return colleague.load.get(function, 0.0) / capacity if capacity > 0 else float("inf")
