"""What the planner is asked: colleagues who may take over, and the leaver's clients, stages and memberships."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

OWNER_FUNCTION = "sales"  # the function on which a client weighs


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who may take over: works here, not frozen, not absent (the caller sees to that).

    `capacity` and `load` are effort points per function; a colleague has exactly the functions named in `capacity`.
    """

    id: str
    capacity: Mapping[str, float]
    load: Mapping[str, float] = field(default_factory=dict)
    department_id: str | None = None
    regions: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ClientItem:
    """A client of the leaver: `effort` in points on `sales`, `value` in money, `known_by` strength 0..1 per employee."""

    id: str
    effort: float = 1.0
    value: float = 0.0
    regions: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    team: Mapping[str, str] = field(default_factory=dict)
    known_by: Mapping[str, float] = field(default_factory=dict)
    prefer_department: str | None = None


@dataclass(frozen=True, slots=True)
class StageItem:
    """An open stage of the leaver: `effort` in points on `function`.

    `taken` maps the order's other stages to who does them; `apart` names the stages of the order that must be in other
    hands than this one. Two stages of one order that are both to be placed may be apart from each other.
    """

    order_id: str
    stage: str
    function: str
    client_id: str
    effort: float = 1.0
    taken: Mapping[str, str] = field(default_factory=dict)
    apart: frozenset[str] = frozenset()
    prefer_department: str | None = None

    @property
    def barred(self) -> frozenset[str]:
        """Who must not do this stage, because they do one that is apart from it."""
        return frozenset(who for stage, who in self.taken.items() if stage in self.apart)


@dataclass(frozen=True, slots=True)
class TeamPlaceItem:
    """A membership of the leaver in the team of a client; `owner_id` where the client is not in the plan itself."""

    client_id: str
    function: str
    owner_id: str | None = None


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """How far to look. No seconds anywhere: a slower machine gives the same plan, later.

    `candidates_per_item` to begin with; `rounds` of bringing in more; `max_search_nodes` 0: no search at all.
    Up to `prove_up_to_pairs` (items x colleagues) the search goes on until the optimum is proven or the nodes are used up,
    above it stops at `gap`. One search takes in at most `max_search_pairs`.
    """

    candidates_per_item: int = 8
    rounds: int = 20
    simplex_iterations: int = 1_000_000
    max_search_nodes: int = 50
    prove_up_to_pairs: int = 5_000
    gap: float = 0.005
    max_search_pairs: int = 3_000


@dataclass(frozen=True, slots=True)
class PlanningProblem:
    """Everything of one leaver. The order of what is in it, and the leaver among the colleagues, make no difference."""

    leaver_id: str
    colleagues: Sequence[Colleague]
    clients: Sequence[ClientItem] = ()
    stages: Sequence[StageItem] = ()
    team: Sequence[TeamPlaceItem] = ()
    limits: SearchLimits = SearchLimits()

    @property
    def items(self) -> tuple["ClientItem | StageItem", ...]:
        """What has a cost: clients, then stages. Their positions are the item numbers everywhere."""
        return (*self.clients, *self.stages)


def sort_problem(problem: PlanningProblem) -> PlanningProblem:
    """The same problem in one canonical order, without the leaver among the colleagues.

    Raises ValueError when an id occurs twice, or an effort, value, capacity or load is negative or not finite.
    """
    colleagues = sorted((c for c in problem.colleagues if c.id != problem.leaver_id), key=lambda c: c.id)
    clients = sorted(problem.clients, key=lambda c: c.id)
    stages = sorted(problem.stages, key=lambda s: (s.order_id, s.stage))
    team = sorted(problem.team, key=lambda t: (t.client_id, t.function))
    _require_unique("colleague", [c.id for c in colleagues])
    _require_unique("client", [c.id for c in clients])
    _require_unique("stage", [(s.order_id, s.stage) for s in stages])
    _require_unique("membership", [(t.client_id, t.function) for t in team])
    figures = [*(c.effort for c in clients), *(c.value for c in clients), *(s.effort for s in stages)]
    figures += [f for c in colleagues for f in (*c.capacity.values(), *c.load.values())]
    if not all(isfinite(f) and f >= 0 for f in figures):
        raise ValueError("an effort, value, capacity or load is negative or not finite")
    return PlanningProblem(
        problem.leaver_id, tuple(colleagues), tuple(clients), tuple(stages), tuple(team), problem.limits
    )


def _require_unique(what: str, keys: Sequence[Hashable]) -> None:
    if len(set(keys)) < len(keys):
        raise ValueError(f"a {what} occurs twice")
