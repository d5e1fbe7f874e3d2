"""From shares to hands: whole items, within capacity, apart where they must be, and the search that closes the gap."""

import highspy
import numpy as np

from services.offboarding.planner import relaxation
from services.offboarding.planner.costs import COST_FULL_LOAD, ROUNDING_TOLERANCE, CostArrays, Floats, Ints
from services.offboarding.planner.problem import SearchLimits
from services.offboarding.planner.relaxation import (
    LinearModel,
    Relaxation,
    build_linear_model,
    compute_pair_costs,
    load_model,
    make_solver,
    price_pairs,
    solve_relaxation,
)

MAX_EXCHANGES = 300  # tried per function
MAX_EXCHANGE_CELLS = 5_000_000  # costs held for it


def assign_items(arrays: CostArrays, limits: SearchLimits) -> tuple[Ints, float]:
    """Colleague of each item (-1: unplaced) and the bound; the objective is `arrays.costs(to).sum()`."""
    n, m = len(arrays.effort), arrays.able.shape[1]
    if not n or not m:
        return np.full(n, -1), float(arrays.unplaced_cost.sum())
    relaxed = solve_relaxation(arrays, limits)
    to = np.full(n, -1)
    whole = relaxed.share >= 1 - 1e-6
    to[relaxed.item[whole]] = relaxed.colleague[whole]
    to = repair_assignment(arrays, to)
    objective, least = float(arrays.costs(to).sum()), max(relaxed.bound, 0.0)  # nothing costs less than nothing
    exact = n * m <= limits.prove_up_to_pairs
    target = 0.0 if exact else limits.gap
    if limits.max_search_nodes and objective - least > max(target * objective, 1e-6):
        found, proven = _search(arrays, limits, relaxed, to, objective, target)
        found = repair_assignment(arrays, found)
        reached = float(arrays.costs(found).sum())
        if reached < objective:
            to, objective = found, reached
        least = max(least, proven)
    return to, min(least, objective)


def repair_assignment(arrays: CostArrays, to: Ints) -> Ints:
    """Take back what breaks separation or capacity, then place what is unplaced, the dearest first, where it fits best."""
    to = to.copy()
    one, other = arrays.separated_items[:, 0], arrays.separated_items[:, 1]
    for a, b in arrays.separated_items[(to[one] >= 0) & (to[one] == to[other])]:
        if to[a] == to[b]:
            to[max(a, b, key=lambda i: (-arrays.unplaced_cost[i], i))] = -1
    room, loads = arrays.room, arrays.loads(to)
    for f, j in np.argwhere(loads > room + ROUNDING_TOLERANCE):
        mine = np.flatnonzero((to == j) & (arrays.function == f))
        mine = mine[
            np.argsort(-arrays.unplaced_cost[mine] / np.maximum(arrays.effort[mine], ROUNDING_TOLERANCE), kind="stable")
        ]
        to[mine[np.cumsum(arrays.effort[mine]) > room[f, j] + ROUNDING_TOLERANCE]] = -1
    return _exchange(arrays, _place_unplaced(arrays, to))


def _place_unplaced(arrays: CostArrays, to: Ints) -> Ints:
    room, loads = arrays.room, arrays.loads(to)
    apart: dict[int, list[int]] = {}
    for a, b in arrays.separated_items.tolist():
        apart.setdefault(a, []).append(b)
        apart.setdefault(b, []).append(a)
    waiting = np.flatnonzero((to < 0) & (arrays.unplaced_cost > 0))
    waiting = waiting[np.argsort(-arrays.unplaced_cost[waiting], kind="stable")]
    for first in range(0, len(waiting), 512):  # costs by the block: few calls, little memory
        rows = waiting[first : first + 512]
        for i, cost in zip(rows.tolist(), arrays.cost(rows), strict=True):
            f, points = int(arrays.function[i]), arrays.effort[i]
            cost[loads[f] + points > room[f] + ROUNDING_TOLERANCE] = np.inf
            cost[[to[other] for other in apart.get(i, ()) if to[other] >= 0]] = np.inf
            if not np.isfinite(cost).any():
                continue
            now, then = arrays.strain(np.stack([loads, loads + points]))[:, f]
            j = int(np.argmin(cost + then - now))
            to[i], loads[f, j] = j, loads[f, j] + points
    return to


def _exchange(arrays: CostArrays, to: Ints) -> Ints:
    """Place an item where another makes way: that one moves to a colleague with room, or stays in its stead.

    Room is often left in pieces too small for what is unplaced. The balance is counted at its worst, so that every
    exchange is a gain. What is bound to other stages is left alone.
    """
    to, room, loads = to.copy(), arrays.room, arrays.loads(to)
    movable = np.ones(len(to), bool)
    movable[arrays.separated_items.ravel()] = False
    for f in np.unique(arrays.function[(to < 0) & (arrays.unplaced_cost > 0)]).tolist():
        pool = np.flatnonzero(movable & (arrays.function == f) & (arrays.unplaced_cost > 0))
        pool = np.sort(
            pool[np.argsort(arrays.unplaced_cost[pool], kind="stable")[: MAX_EXCHANGE_CELLS // arrays.able.shape[1]]]
        )
        costs, points, at = arrays.cost(pool), arrays.effort[pool], np.arange(len(pool))
        queue = [int(k) for k in at[np.argsort(-arrays.unplaced_cost[pool], kind="stable")] if to[pool[k]] < 0]
        for u in queue[:MAX_EXCHANGES]:
            left, here = room[f] - loads[f] + ROUNDING_TOLERANCE, to[pool]
            some = np.flatnonzero(left >= points.min())
            other = np.where((points[:, None] <= left[some]) & (here[:, None] != some), costs[:, some], np.inf)
            elsewhere = other.min(axis=1, initial=np.inf)
            loss = np.minimum(elsewhere, arrays.unplaced_cost[pool]) + costs[u, here] + COST_FULL_LOAD * points
            loss -= np.where(here < 0, 0.0, costs[at, here])
            loss[(here < 0) | (left[here] + points < points[u])] = np.inf
            k = int(np.argmin(loss))
            if not loss[k] + COST_FULL_LOAD * points[u] < arrays.unplaced_cost[pool[u]]:
                continue
            j = int(here[k])
            to[pool[u]], loads[f, j] = j, loads[f, j] + points[u] - points[k]
            to[pool[k]] = -1
            if elsewhere[k] < arrays.unplaced_cost[pool[k]]:
                new = int(some[np.argmin(other[k])])
                to[pool[k]], loads[f, new] = new, loads[f, new] + points[k]
    return _place_unplaced(arrays, to)


def _search(
    arrays: CostArrays,
    limits: SearchLimits,
    relaxed: Relaxation,
    to: Ints,
    objective: float,
    target: float,
) -> tuple[Ints, float]:
    """Branch and bound over the pairs that the bound cannot exclude; a plan, and what it proves (-inf: nothing).

    A pair whose reduced cost is above the gap is in no better plan. If all the others fit into `limits.max_search_pairs`, nothing
    is lost and the result is proven against all pairs; if not, the most promising are searched.
    """
    m = arrays.able.shape[1]
    item, colleague, dear = _choose_promising_pairs(arrays, relaxed, objective - relaxed.bound)
    complete = len(item) <= limits.max_search_pairs
    if not complete:
        kept = np.sort(np.argsort(dear, kind="stable")[: limits.max_search_pairs])
        mine = np.flatnonzero(to >= 0)
        keys = np.unique(np.concatenate([item[kept] * m + colleague[kept], mine * m + to[mine]]))
        item, colleague = keys // m, keys % m
    model = build_linear_model(arrays, item, colleague, compute_pair_costs(arrays, item, colleague))
    h = make_solver(limits)
    for name, setting in {
        "mip_max_nodes": limits.max_search_nodes,
        "mip_rel_gap": target / 2,
        "mip_abs_gap": 1e-7,
        "mip_feasibility_tolerance": 1e-9,
    }.items():
        h.setOptionValue(name, setting)
    load_model(h, model, is_integer=True)
    left, right = relaxation.find_clashing_pairs(arrays, item, colleague)
    if len(left):
        columns = arrays.free_by_tenth.size + np.stack([left, right], 1).ravel()
        h.addRows(len(left), np.full(len(left), -highspy.kHighsInf), np.ones(len(left)), len(columns),
                  (2 * np.arange(len(left))).astype(np.int32), columns.astype(np.int32), np.ones(len(columns)))  # fmt: skip
    start = highspy.HighsSolution()
    start.col_value = _column_values(arrays, model, item, colleague, to).tolist()
    h.setSolution(start)
    h.run()
    info, found = h.getInfo(), to.copy()
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        taken = np.asarray(h.getSolution().col_value)[arrays.free_by_tenth.size :] > 0.5
        found = np.full(len(to), -1)
        found[item[taken]] = colleague[taken]
    return found, min(info.mip_dual_bound, objective) if complete else -np.inf


def _choose_promising_pairs(arrays: CostArrays, relaxed: Relaxation, gap: float) -> tuple[Ints, Ints, Floats]:
    items, colleagues, dear = [], [], []
    for rows in arrays.blocks():
        cost = price_pairs(arrays, relaxed.prices, rows)
        level = np.minimum(cost.min(axis=1), arrays.unplaced_cost[rows])
        cost -= level[:, None]
        at, j = np.nonzero(cost <= gap + 1e-6)
        items.append(rows[at])
        colleagues.append(j)
        dear.append(cost[at, j])
    return np.concatenate(items), np.concatenate(colleagues), np.concatenate(dear)


def _column_values(arrays: CostArrays, model: LinearModel, item: Ints, colleague: Ints, to: Ints) -> Floats:
    """A plan as values of the columns: what is charged for balance, then the pairs that are taken."""
    before = np.cumsum(arrays.free_by_tenth, axis=2) - arrays.free_by_tenth
    charged = np.clip(arrays.loads(to)[:, :, None] - before, 0.0, arrays.free_by_tenth)
    return np.concatenate([charged.ravel(), (to[item] == colleague).astype(float)])
