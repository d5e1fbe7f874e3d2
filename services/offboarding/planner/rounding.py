"""From shares to hands: whole items, within capacity, apart where they must be, and the search that closes the gap."""

import highspy
import numpy as np

from services.offboarding.planner import relaxation
from services.offboarding.planner.costs import COST_FULL_LOAD, ROUNDING_TOLERANCE, CostArrays, Floats, Ints
from services.offboarding.planner.problem import SearchLimits
from services.offboarding.planner.relaxation import (
    LinearModel,
    Relaxation,
    build_model,
    compute_pair_costs,
    load_model,
    make_solver,
    price_pairs,
    solve_relaxation,
)

MAX_EXCHANGES = 300  # tried per function
MAX_EXCHANGE_CELLS = 5_000_000  # costs held for it


def assign_items(fit: CostArrays, limits: SearchLimits) -> tuple[Ints, float]:
    """Colleague of each item (-1: unplaced) and the bound; the objective is `fit.costs(to).sum()`."""
    n, m = len(fit.effort), fit.able.shape[1]
    if not n or not m:
        return np.full(n, -1), float(fit.unplaced.sum())
    relaxed = solve_relaxation(fit, limits)
    to = np.full(n, -1)
    whole = relaxed.share >= 1 - 1e-6
    to[relaxed.item[whole]] = relaxed.colleague[whole]
    to = repair_assignment(fit, to)
    objective, least = float(fit.costs(to).sum()), max(relaxed.bound, 0.0)  # nothing costs less than nothing
    exact = n * m <= limits.exact_pairs
    target = 0.0 if exact else limits.gap
    if limits.nodes and objective - least > max(target * objective, 1e-6):
        found, proven = _search(fit, limits, relaxed, to, objective, target)
        found = repair_assignment(fit, found)
        reached = float(fit.costs(found).sum())
        if reached < objective:
            to, objective = found, reached
        least = max(least, proven)
    return to, min(least, objective)


def repair_assignment(fit: CostArrays, to: Ints) -> Ints:
    """Take back what breaks separation or capacity, then place what is unplaced, the dearest first, where it fits best."""
    to = to.copy()
    one, other = fit.pairs[:, 0], fit.pairs[:, 1]
    for a, b in fit.pairs[(to[one] >= 0) & (to[one] == to[other])]:
        if to[a] == to[b]:
            to[max(a, b, key=lambda i: (-fit.unplaced[i], i))] = -1
    room, loads = fit.room, fit.loads(to)
    for f, j in np.argwhere(loads > room + ROUNDING_TOLERANCE):
        mine = np.flatnonzero((to == j) & (fit.function == f))
        mine = mine[np.argsort(-fit.unplaced[mine] / np.maximum(fit.effort[mine], ROUNDING_TOLERANCE), kind="stable")]
        to[mine[np.cumsum(fit.effort[mine]) > room[f, j] + ROUNDING_TOLERANCE]] = -1
    return _exchange(fit, _place_unplaced(fit, to))


def _place_unplaced(fit: CostArrays, to: Ints) -> Ints:
    room, loads = fit.room, fit.loads(to)
    apart: dict[int, list[int]] = {}
    for a, b in fit.pairs.tolist():
        apart.setdefault(a, []).append(b)
        apart.setdefault(b, []).append(a)
    waiting = np.flatnonzero((to < 0) & (fit.unplaced > 0))
    waiting = waiting[np.argsort(-fit.unplaced[waiting], kind="stable")]
    for first in range(0, len(waiting), 512):  # costs by the block: few calls, little memory
        rows = waiting[first : first + 512]
        for i, cost in zip(rows.tolist(), fit.cost(rows), strict=True):
            f, points = int(fit.function[i]), fit.effort[i]
            cost[loads[f] + points > room[f] + ROUNDING_TOLERANCE] = np.inf
            cost[[to[other] for other in apart.get(i, ()) if to[other] >= 0]] = np.inf
            if not np.isfinite(cost).any():
                continue
            now, then = fit.strain(np.stack([loads, loads + points]))[:, f]
            j = int(np.argmin(cost + then - now))
            to[i], loads[f, j] = j, loads[f, j] + points
    return to


def _exchange(fit: CostArrays, to: Ints) -> Ints:
    """Place an item where another makes way: that one moves to a colleague with room, or stays in its stead.

    Room is often left in pieces too small for what is unplaced. The balance is counted at its worst, so that every
    exchange is a gain. What is bound to other stages is left alone.
    """
    to, room, loads = to.copy(), fit.room, fit.loads(to)
    movable = np.ones(len(to), bool)
    movable[fit.pairs.ravel()] = False
    for f in np.unique(fit.function[(to < 0) & (fit.unplaced > 0)]).tolist():
        pool = np.flatnonzero(movable & (fit.function == f) & (fit.unplaced > 0))
        pool = np.sort(pool[np.argsort(fit.unplaced[pool], kind="stable")[: MAX_EXCHANGE_CELLS // fit.able.shape[1]]])
        costs, points, at = fit.cost(pool), fit.effort[pool], np.arange(len(pool))
        queue = [int(k) for k in at[np.argsort(-fit.unplaced[pool], kind="stable")] if to[pool[k]] < 0]
        for u in queue[:MAX_EXCHANGES]:
            left, here = room[f] - loads[f] + ROUNDING_TOLERANCE, to[pool]
            some = np.flatnonzero(left >= points.min())
            other = np.where((points[:, None] <= left[some]) & (here[:, None] != some), costs[:, some], np.inf)
            elsewhere = other.min(axis=1, initial=np.inf)
            loss = np.minimum(elsewhere, fit.unplaced[pool]) + costs[u, here] + COST_FULL_LOAD * points
            loss -= np.where(here < 0, 0.0, costs[at, here])
            loss[(here < 0) | (left[here] + points < points[u])] = np.inf
            k = int(np.argmin(loss))
            if not loss[k] + COST_FULL_LOAD * points[u] < fit.unplaced[pool[u]]:
                continue
            j = int(here[k])
            to[pool[u]], loads[f, j] = j, loads[f, j] + points[u] - points[k]
            to[pool[k]] = -1
            if elsewhere[k] < fit.unplaced[pool[k]]:
                new = int(some[np.argmin(other[k])])
                to[pool[k]], loads[f, new] = new, loads[f, new] + points[k]
    return _place_unplaced(fit, to)


def _search(
    fit: CostArrays,
    limits: SearchLimits,
    relaxed: Relaxation,
    to: Ints,
    objective: float,
    target: float,
) -> tuple[Ints, float]:
    """Branch and bound over the pairs that the bound cannot exclude; a plan, and what it proves (-inf: nothing).

    A pair whose reduced cost is above the gap is in no better plan. If all the others fit into `limits.core`, nothing
    is lost and the result is proven against all pairs; if not, the most promising are searched.
    """
    m = fit.able.shape[1]
    item, colleague, dear = _choose_promising_pairs(fit, relaxed, objective - relaxed.bound)
    complete = len(item) <= limits.core
    if not complete:
        kept = np.sort(np.argsort(dear, kind="stable")[: limits.core])
        mine = np.flatnonzero(to >= 0)
        keys = np.unique(np.concatenate([item[kept] * m + colleague[kept], mine * m + to[mine]]))
        item, colleague = keys // m, keys % m
    arrays = build_model(fit, item, colleague, compute_pair_costs(fit, item, colleague))
    h = make_solver(limits)
    for name, setting in {
        "mip_max_nodes": limits.nodes,
        "mip_rel_gap": target / 2,
        "mip_abs_gap": 1e-7,
        "mip_feasibility_tolerance": 1e-9,
    }.items():
        h.setOptionValue(name, setting)
    load_model(h, arrays, whole=True)
    left, right = relaxation.find_clashing_candidates(fit, item, colleague)
    if len(left):
        columns = fit.width.size + np.stack([left, right], 1).ravel()
        h.addRows(len(left), np.full(len(left), -highspy.kHighsInf), np.ones(len(left)), len(columns),
                  (2 * np.arange(len(left))).astype(np.int32), columns.astype(np.int32), np.ones(len(columns)))  # fmt: skip
    start = highspy.HighsSolution()
    start.col_value = _column_values(fit, arrays, item, colleague, to).tolist()
    h.setSolution(start)
    h.run()
    info, found = h.getInfo(), to.copy()
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        taken = np.asarray(h.getSolution().col_value)[fit.width.size :] > 0.5
        found = np.full(len(to), -1)
        found[item[taken]] = colleague[taken]
    return found, min(info.mip_dual_bound, objective) if complete else -np.inf


def _choose_promising_pairs(fit: CostArrays, relaxed: Relaxation, gap: float) -> tuple[Ints, Ints, Floats]:
    items, colleagues, dear = [], [], []
    for rows in fit.blocks():
        cost = price_pairs(fit, relaxed.prices, rows)
        level = np.minimum(cost.min(axis=1), fit.unplaced[rows])
        cost -= level[:, None]
        at, j = np.nonzero(cost <= gap + 1e-6)
        items.append(rows[at])
        colleagues.append(j)
        dear.append(cost[at, j])
    return np.concatenate(items), np.concatenate(colleagues), np.concatenate(dear)


def _column_values(fit: CostArrays, arrays: LinearModel, item: Ints, colleague: Ints, to: Ints) -> Floats:
    """A plan as values of the columns: what is charged for balance, then the pairs that are taken."""
    before = np.cumsum(fit.width, axis=2) - fit.width
    charged = np.clip(fit.loads(to)[:, :, None] - before, 0.0, fit.width)
    return np.concatenate([charged.ravel(), (to[item] == colleague).astype(float)])
