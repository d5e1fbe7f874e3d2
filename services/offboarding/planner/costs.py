"""The problem as arrays, and what it costs to give an item to a colleague.

n items (clients, then stages), m colleagues, F functions. Costs are made for a block of items at a time: the whole
n x m matrix is never held.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.offboarding.planner.problem import OWNER_FUNCTION, ClientItem, PlanningProblem, StageItem

Floats = NDArray[np.float64]

Ints = NDArray[np.int64]

Bools = NDArray[np.bool_]

# What a misfit costs, for an ordinary client; up to twice that for the most valuable one.
COST_NO_RELATIONSHIP = 4.0  # nobody's acquaintance yet; falls with the strength of the relationship

COST_NO_COMMON_LANGUAGE = 3.0  # no language in common

COST_NO_COMMON_REGION = 2.0  # no region in common

COST_OTHER_DEPARTMENT = 1.0  # another department than preferred

COST_SOLE_PERSON = 20.0  # the colleague would be the only one who knows the client: more than all misfits together

COST_FULL_LOAD = 2.0  # per effort point that meets a full colleague; an idle one costs nothing

COST_UNPLACED = 1000.0  # stays with the caretaker: more than any fit, and twice that for the most valuable client

STRENGTH_OF_COLLEAGUE_IN_TEAM = (
    0.5  # strength of a relationship that rests on the team or on another stage of the same order
)

LOAD_SEGMENTS = 10  # utilisation is charged by tenths, so that the balance is convex and stays linear

ROUNDING_TOLERANCE = 1e-6  # effort points: rounding of floating-point sums, not capacity

LOAD_SLOPES: Floats = COST_FULL_LOAD * (np.arange(LOAD_SEGMENTS) + 0.5) / LOAD_SEGMENTS


@dataclass(frozen=True)
class SparseRows:
    """Rows of (column, value), compressed: the entries of row i are `start[i]:start[i + 1]`."""

    start: Ints
    column: Ints
    value: Floats

    def of(self, rows: Ints) -> tuple[Ints, Ints, Floats]:
        """The entries of some rows: position in `rows`, column, value."""
        counts = self.start[rows + 1] - self.start[rows]
        at = np.repeat(np.arange(len(rows)), counts)
        flat = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(self.start[rows], counts)
        return at, self.column[flat], self.value[flat]


def compress_rows(n: int, row: Ints, column: Ints, value: Floats) -> SparseRows:
    """Compress entries given in any order; entries of the same place stay apart."""
    order = np.argsort(row, kind="stable")
    return SparseRows(np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))]), column[order], value[order])


@dataclass(frozen=True)
class CostArrays:
    """The arrays. n items, m colleagues, F functions, p profiles (items with the same needs share one)."""

    effort: Floats  # n
    importance: Floats  # n, 1..2
    unplaced_cost: Floats  # n, cost of staying with the caretaker; 0 where nobody may take it
    function: Ints  # n
    profile: Ints  # n
    able: Bools  # F x m: has the function
    capacity: Floats  # F x m
    free_by_tenth: Floats  # F x m x SEGMENTS: usable free points in each tenth of the capacity
    misfit: tuple[tuple[float, NDArray[np.float32], NDArray[np.float32]], ...]  # weight, p x k needs, m x k offers
    pair_costs: SparseRows  # n x m: relationship (negative), sole person, barred (inf)
    separated_items: Ints  # k x 2: items that must be in different hands

    @property
    def room(self) -> Floats:
        """F x m free effort points."""
        return np.asarray(self.free_by_tenth.sum(axis=2))

    def cost(self, rows: Ints) -> Floats:
        """Cost of giving each of `rows` to each colleague, len(rows) x m; inf where it must not be."""
        profile = self.profile[rows]
        cost = np.full((len(rows), self.able.shape[1]), COST_NO_RELATIONSHIP)
        for weight, needs, offers in self.misfit:
            wanted = needs[profile]
            cost += weight * ((wanted @ offers.T <= 0) & (wanted.sum(axis=1) > 0)[:, None])
        at, column, value = self.pair_costs.of(rows)
        cost[at, column] += value
        cost *= self.importance[rows, None]
        cost[~self.able[self.function[rows]]] = np.inf
        return cost

    def blocks(self) -> Iterator[Ints]:
        """All items, in blocks small enough to leave other threads their turn."""
        step = max(1, 250_000 // max(1, self.able.shape[1]))
        for first in range(0, len(self.effort), step):
            yield np.arange(first, min(first + step, len(self.effort)))

    def loads(self, to: Ints) -> Floats:
        """F x m effort points that an assignment (-1: unplaced) adds."""
        placed = to >= 0
        f, m = self.able.shape
        flat = np.bincount(self.function[placed] * m + to[placed], self.effort[placed], minlength=f * m)
        return flat.reshape(f, m).astype(float)  # whole numbers when there are no items

    def strain(self, loads: Floats) -> Floats:
        """... x F x m cost of the balance for points added on top of the present load."""
        before = np.cumsum(self.free_by_tenth, axis=2) - self.free_by_tenth
        filled: Floats = np.clip(loads[..., None] - before, 0.0, self.free_by_tenth) @ LOAD_SLOPES
        return filled

    def costs(self, to: Ints) -> Floats:
        """Per item the cost of where it is in `to`; the balance is shared out by effort. They add up to the objective."""
        cost = self.unplaced_cost.copy()
        for rows in self.blocks():
            placed = rows[to[rows] >= 0]
            cost[placed] = self.cost(placed)[np.arange(len(placed)), to[placed]]
        loads, placed = self.loads(to), np.flatnonzero(to >= 0)
        rate = np.divide(self.strain(loads), loads, out=np.zeros_like(loads), where=loads > 0)
        cost[placed] += self.effort[placed] * rate[self.function[placed], to[placed]]
        return cost


def build_cost_arrays(problem: PlanningProblem) -> CostArrays:
    """The arrays of a problem that is in canonical order."""
    colleagues, items = problem.colleagues, problem.items
    who = {c.id: j for j, c in enumerate(colleagues)}
    needed = [OWNER_FUNCTION if isinstance(i, ClientItem) else i.function for i in items]
    functions = {f: k for k, f in enumerate(sorted({OWNER_FUNCTION, *needed}))}
    m = len(colleagues)
    able, capacity = np.zeros((len(functions), m), bool), np.zeros((len(functions), m))
    free_by_tenth = np.zeros((len(functions), m, LOAD_SEGMENTS))
    effort, function = np.array([i.effort for i in items], float), np.array([functions[f] for f in needed], np.int64)
    units = [_common_effort_step(effort[function == f]) for f in range(len(functions))]
    tenths = np.arange(LOAD_SEGMENTS + 1) / LOAD_SEGMENTS
    for j, colleague in enumerate(colleagues):
        for name in functions.keys() & colleague.capacity.keys():
            f, most = functions[name], colleague.capacity[name]
            able[f, j], capacity[f, j] = True, most
            load = min(colleague.load.get(name, 0.0), most)
            usable = load + _usable_room(most - load, units[f])
            free_by_tenth[f, j] = np.diff(np.clip(tenths * most, load, usable))

    profiles: dict[tuple[frozenset[str], frozenset[str], frozenset[str]], int] = {}
    profile = np.array([profiles.setdefault(_needs(i), len(profiles)) for i in items], np.int64)
    offers = [(c.languages, c.regions, frozenset([c.department_id] if c.department_id else [])) for c in colleagues]
    misfit = tuple(
        (weight, *_incidence([p[k] for p in profiles], [o[k] for o in offers]))
        for k, weight in enumerate((COST_NO_COMMON_LANGUAGE, COST_NO_COMMON_REGION, COST_OTHER_DEPARTMENT))
    )
    value = np.array([i.value if isinstance(i, ClientItem) else 0.0 for i in items], float)
    share = value / max(value.max(initial=0.0), 1e-300)
    arrays = CostArrays(
        effort=effort,
        importance=1.0 + share,
        unplaced_cost=np.zeros(len(items)),
        function=function,
        profile=profile,
        able=able,
        capacity=capacity,
        free_by_tenth=free_by_tenth,
        misfit=misfit,
        pair_costs=_pair_costs(problem, who),
        separated_items=_separated_items(problem),
    )
    # What nobody may take is no decision: it would only make the objective large and the gap look small.
    open_to_some = [np.isfinite(arrays.cost(rows)).any(axis=1) for rows in arrays.blocks()]
    penalty = COST_UNPLACED * arrays.importance + COST_FULL_LOAD * arrays.effort
    return replace(arrays, unplaced_cost=np.where(np.concatenate([np.zeros(0, bool), *open_to_some]), penalty, 0.0))


def list_people_knowing_clients(problem: PlanningProblem) -> list[frozenset[str]]:
    """Per client who else knows it: team and relationships, but not the leaver."""
    return [frozenset({*c.team.values(), *(k for k, s in c.known_by.items() if s > 0)} - {problem.leaver_id})
            for c in problem.clients]  # fmt: skip


def compute_relationship_strengths(item: ClientItem | StageItem) -> dict[str, float]:
    """How well who has to do with the client or the order knows it, 0..1."""
    near, known_by = (item.team, item.known_by) if isinstance(item, ClientItem) else (item.taken, {})
    strengths = dict.fromkeys(near.values(), STRENGTH_OF_COLLEAGUE_IN_TEAM)
    return strengths | {who: min(1.0, max(known, strengths.get(who, 0.0))) for who, known in known_by.items()}


def _common_effort_step(effort: Floats) -> float:
    """The largest step, in whole thousandths, of which all efforts are multiples; 0 if there is none."""
    thousandths = np.rint(effort * 1000)
    if not len(effort) or np.abs(thousandths - effort * 1000).max() > ROUNDING_TOLERANCE:
        return 0.0
    return float(np.gcd.reduce(thousandths.astype(np.int64))) / 1000


def _usable_room(room: float, unit: float) -> float:
    """Room that whole items can use. What they leave over in any case would only make the bound weaker."""
    return min(room, np.floor(room / unit + ROUNDING_TOLERANCE) * unit) if unit > 0 else room


def _needs(item: ClientItem | StageItem) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    department = frozenset({item.prefer_department} if item.prefer_department else ())
    if isinstance(item, StageItem):
        return frozenset(), frozenset(), department
    return item.languages, item.regions, department


def _incidence(
    needs: list[frozenset[str]], offers: list[frozenset[str]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Who needs and who offers which of the words, as 0/1."""
    words = {w: k for k, w in enumerate(sorted(frozenset().union(*needs)))}
    wanted, offered = np.zeros((len(needs), len(words)), np.float32), np.zeros((len(offers), len(words)), np.float32)
    for i, some in enumerate(needs):
        wanted[i, [words[w] for w in some]] = 1
    for j, some in enumerate(offers):
        offered[j, [words[w] for w in some if w in words]] = 1
    return wanted, offered


def _pair_costs(problem: PlanningProblem, who: Mapping[str, int]) -> SparseRows:
    """What is particular to one item and one colleague: relationship, sole person, barred."""
    row: list[int] = []
    column: list[int] = []
    value: list[float] = []
    joining = {t.client_id for t in problem.team}  # a new member comes to these anyway
    others = list_people_knowing_clients(problem)
    for i, item in enumerate(problem.items):
        strengths = compute_relationship_strengths(item)
        entries = {j: -COST_NO_RELATIONSHIP * strength for j, strength in strengths.items() if j in who}
        if isinstance(item, StageItem):
            entries |= dict.fromkeys(item.barred & who.keys(), np.inf)
        elif len(others[i]) == 1 and item.id not in joining:
            for only in others[i] & who.keys():
                entries[only] = entries.get(only, 0.0) + COST_SOLE_PERSON
        for j in sorted(entries):
            row.append(i)
            column.append(who[j])
            value.append(entries[j])
    return compress_rows(len(problem.items), np.array(row, np.int64), np.array(column, np.int64),
                  np.array(value, float))  # fmt: skip


def _separated_items(problem: PlanningProblem) -> Ints:
    """The stages to be placed that are apart from each other, as k x 2 item numbers."""
    orders: dict[str, list[tuple[int, StageItem]]] = defaultdict(list)
    for i, stage in enumerate(problem.stages, start=len(problem.clients)):
        orders[stage.order_id].append((i, stage))
    found = [
        (a, b)
        for stages in orders.values()
        for k, (a, one) in enumerate(stages)
        for b, other in stages[k + 1 :]
        if other.stage in one.apart or one.stage in other.apart
    ]
    return np.array(found, np.int64).reshape(-1, 2)
