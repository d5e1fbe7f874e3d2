"""The linear relaxation, solved over few pairs and proven over all of them.

HiGHS sees the best candidates of each item. Its duals price every pair; pairs that would pay are brought in until the
bound, which holds without any pruning, is as high as the value of the relaxation.
"""

from dataclasses import dataclass

import highspy
import numpy as np

from services.offboarding.planner.costs import (
    LOAD_SEGMENTS,
    LOAD_SLOPES,
    CostArrays,
    Floats,
    Ints,
    SparseRows,
    compress_rows,
)
from services.offboarding.planner.problem import SearchLimits

MAX_PAIRS_ENTERING = 3  # pairs that an item may bring in per round


@dataclass(frozen=True)
class DualPrices:
    """Duals: per effort point of a colleague's function, and per (item, colleague) that separation makes dear."""

    per_point: Floats  # F x m, >= 0
    per_pair: SparseRows  # n x m, >= 0
    separation_cost: float  # what the separation rows cost in the bound


@dataclass(frozen=True)
class Relaxation:
    """Pairs with their share 0..1, the prices, and the bound that no plan can be below."""

    item: Ints
    colleague: Ints
    share: Floats
    prices: DualPrices
    bound: float


@dataclass(frozen=True)
class LinearModel:
    """The relaxation as HiGHS takes it: columns of balance first, then one for each pair; rows of items, then points.

    minimise  cost x   with   rows <= row_upper   and   0 <= x <= column_upper
    """

    cost: Floats
    column_upper: Floats
    row_upper: Floats
    column_start: Ints
    row_index: Ints
    value: Floats
    pair_count: int
    offset: float


def build_linear_model(arrays: CostArrays, item: Ints, colleague: Ints, cost: Floats) -> LinearModel:
    """Arrays for some pairs. An item left at 0 stays with the caretaker: that is the offset, and each pair saves it."""
    n, (f, m) = len(arrays.effort), arrays.able.shape
    steps, pairs = f * m * LOAD_SEGMENTS, len(item)
    points = n + arrays.function[item] * m + colleague
    return LinearModel(
        cost=np.concatenate([np.tile(LOAD_SLOPES, f * m), cost - arrays.unplaced_cost[item]]),
        column_upper=np.concatenate([arrays.free_by_tenth.ravel(), np.ones(pairs)]),
        row_upper=np.concatenate([np.ones(n), np.zeros(f * m)]),
        column_start=np.concatenate([np.arange(steps), steps + 2 * np.arange(pairs + 1)]),
        row_index=np.concatenate([n + np.repeat(np.arange(f * m), LOAD_SEGMENTS), np.stack([item, points], 1).ravel()]),
        value=np.concatenate([-np.ones(steps), np.stack([np.ones(pairs), arrays.effort[item]], 1).ravel()]),
        pair_count=pairs,
        offset=float(arrays.unplaced_cost.sum()),
    )


def make_solver(limits: SearchLimits) -> highspy._core._Highs:
    """HiGHS made repeatable: one thread, one seed, no clock."""
    h = highspy._core._Highs()  # the engine itself: the class around it prints a banner to where our JSON goes
    for name, setting in {
        "output_flag": False,
        "threads": 1,
        "random_seed": 0,
        "simplex_iteration_limit": limits.simplex_iterations,
        "small_matrix_value": 1e-12,
    }.items():
        h.setOptionValue(name, setting)
    return h


def load_model(h: highspy._core._Highs, model: LinearModel, is_integer: bool = False) -> None:
    """Give the arrays to HiGHS; `is_integer`: the pairs are taken or not, nothing between."""
    columns, rows = len(model.cost), len(model.row_upper)
    colwise, minimise = 1, 1
    kinds = np.zeros(columns, np.int32)
    kinds[columns - model.pair_count :] = is_integer
    h.passModel(columns, rows, len(model.row_index), colwise, minimise, model.offset, model.cost, np.zeros(columns),
                model.column_upper, np.full(rows, -highspy.kHighsInf), model.row_upper, model.column_start.astype(np.int32),
                model.row_index.astype(np.int32), model.value, kinds)  # fmt: skip


def price_pairs(arrays: CostArrays, prices: DualPrices, rows: Ints) -> Floats:
    """len(rows) x m: cost of each pair with what it takes from others."""
    cost = arrays.cost(rows)
    cost += arrays.effort[rows, None] * prices.per_point[arrays.function[rows]]
    at, column, value = prices.per_pair.of(rows)
    np.add.at(cost, (at, column), value)
    return cost


def compute_lower_bound(arrays: CostArrays, prices: DualPrices, cheapest: Floats) -> float:
    """What every plan costs at least, by weak duality: true for any prices, over all pairs.

    `cheapest` is per item the lowest priced cost of any colleague.
    """
    idle = np.minimum(LOAD_SLOPES - prices.per_point[:, :, None], 0.0) * arrays.free_by_tenth
    return float(np.minimum(cheapest, arrays.unplaced_cost).sum() + idle.sum() - prices.separation_cost)


def solve_relaxation(arrays: CostArrays, limits: SearchLimits) -> Relaxation:
    """Solve the relaxation; raises nothing: when HiGHS stops early the bound is weaker, but still one."""
    n, m = len(arrays.effort), arrays.able.shape[1]
    free = DualPrices(np.zeros(arrays.able.shape), compress_rows(n, *_no_entries()), 0.0)
    item, colleague = _choose_candidates(arrays, limits.candidates_per_item)
    if not len(item):
        return Relaxation(item, colleague, np.zeros(0), free, float(arrays.unplaced_cost.sum()))
    h, best = make_solver(limits), -np.inf
    load_model(h, build_linear_model(arrays, item, colleague, compute_pair_costs(arrays, item, colleague)))
    rows = _add_separation_rows(h, arrays, item, colleague, _no_entries()[0])
    for _ in range(limits.rounds):
        h.run()
        solution = h.getSolution()
        prices = _read_prices(arrays, np.asarray(solution.row_dual), rows)
        cheapest, news, here = _find_paying_pairs(arrays, prices, item, colleague)
        reached = compute_lower_bound(arrays, prices, cheapest)
        if reached > best:
            best, at_best = reached, prices
        share = np.asarray(solution.col_value)[arrays.free_by_tenth.size :]
        value = h.getInfo().objective_function_value
        if not len(news) or value - best <= 0.1 * limits.gap * abs(value) * (n * m > limits.prove_up_to_pairs):
            break
        item, colleague = np.concatenate([item, news]), np.concatenate([colleague, here])
        _add_pairs(h, arrays, news, here)
        rows = _add_separation_rows(h, arrays, item, colleague, rows)
    return Relaxation(item[: len(share)], colleague[: len(share)], share, at_best, best)


def compute_pair_costs(arrays: CostArrays, item: Ints, colleague: Ints) -> Floats:
    """Cost of some pairs, in their order."""
    cost = np.empty(len(item))
    order = np.argsort(item, kind="stable")
    for rows in arrays.blocks():
        first, last = np.searchsorted(item[order], [rows[0], rows[-1] + 1])
        some = order[first:last]
        cost[some] = arrays.cost(rows)[item[some] - rows[0], colleague[some]]
    return cost


def find_clashing_pairs(arrays: CostArrays, item: Ints, colleague: Ints) -> tuple[Ints, Ints]:
    """The pairs that exclude each other, as two arrays of positions: apart stages with the same colleague."""
    m = arrays.able.shape[1]
    order = np.argsort(item * m + colleague, kind="stable")
    keys = (item * m + colleague)[order]
    ends = np.searchsorted(keys, [arrays.separated_items[:, 0] * m, (arrays.separated_items[:, 0] + 1) * m])
    counts = ends[1] - ends[0]
    left = np.repeat(ends[0] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    wanted = np.repeat(arrays.separated_items[:, 1], counts) * m + keys[left] % m
    right = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    hit = keys[right] == wanted
    return order[left[hit]], order[right[hit]]


def _no_entries() -> tuple[Ints, Ints, Floats]:
    return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)


def _choose_candidates(arrays: CostArrays, most: int) -> tuple[Ints, Ints]:
    """The cheapest colleagues of each item, a few, at the balance of today."""
    m = arrays.able.shape[1]
    filled = np.argmax(arrays.free_by_tenth > 0, axis=2)
    items, colleagues = [_no_entries()[0]], [_no_entries()[0]]
    for rows in arrays.blocks():
        cost = arrays.cost(rows)
        worth = cost + arrays.effort[rows, None] * LOAD_SLOPES[filled[arrays.function[rows]]] + _tie_breaker(rows, m)
        some = np.argsort(worth, axis=1, kind="stable")[:, :most]
        at, k = np.nonzero(np.isfinite(np.take_along_axis(cost, some, axis=1)))
        items.append(rows[at])
        colleagues.append(some[at, k])
    return np.concatenate(items), np.concatenate(colleagues)


def _tie_breaker(rows: Ints, m: int) -> Floats:
    """Next to nothing, len(rows) x m: among equal colleagues each item begins with another one."""
    return ((np.arange(m) - rows[:, None]) % m).astype(np.float64) * 1e-9


def _find_paying_pairs(
    arrays: CostArrays, prices: DualPrices, item: Ints, colleague: Ints
) -> tuple[Floats, Ints, Ints]:
    """Per item the cheapest of all colleagues, and the pairs that would pay but are not in yet."""
    m = arrays.able.shape[1]
    present = np.sort(item * m + colleague)
    cheapest, news, here = [], [_no_entries()[0]], [_no_entries()[0]]
    for rows in arrays.blocks():
        cost = price_pairs(arrays, prices, rows)
        cheapest.append(cost.min(axis=1))
        flat = cost.ravel()
        first, last = np.searchsorted(present, [rows[0] * m, (rows[-1] + 1) * m])
        inside = present[first:last] - rows[0] * m
        known = np.full(flat.shape, np.inf)
        known[inside] = flat[inside]
        level = np.minimum(known.reshape(cost.shape).min(axis=1), arrays.unplaced_cost[rows])
        flat[inside] = np.inf
        paying = np.flatnonzero(cost.min(axis=1) < level - 1e-7 * (1.0 + level))
        some = np.argsort(cost[paying] + _tie_breaker(rows[paying], m), axis=1, kind="stable")[:, :MAX_PAIRS_ENTERING]
        at, k = np.nonzero(np.take_along_axis(cost[paying], some, axis=1) < level[paying, None] - 1e-9)
        news.append(rows[paying[at]])
        here.append(some[at, k])
    return np.concatenate(cheapest), np.concatenate(news), np.concatenate(here)


def _add_pairs(h: highspy._core._Highs, arrays: CostArrays, item: Ints, colleague: Ints) -> None:
    """Bring pairs in; HiGHS goes on from the basis it has."""
    model = build_linear_model(arrays, item, colleague, compute_pair_costs(arrays, item, colleague))
    old = arrays.free_by_tenth.size
    h.addCols(len(item), model.cost[old:], np.zeros(len(item)), model.column_upper[old:], 2 * len(item),
              (model.column_start[old:-1] - old).astype(np.int32), model.row_index[old:].astype(np.int32),
              model.value[old:])  # fmt: skip


def _add_separation_rows(
    h: highspy._core._Highs, arrays: CostArrays, item: Ints, colleague: Ints, present: Ints
) -> Ints:
    """Add a row for each two pairs that exclude each other, once; rows are known by (separation, colleague)."""
    left, right = find_clashing_pairs(arrays, item, colleague)
    m = arrays.able.shape[1]
    span = len(arrays.effort) * m
    keys = (item * m + colleague)[left] * span + (item * m + colleague)[right]
    new = ~np.isin(keys, present)
    columns = arrays.free_by_tenth.size + np.stack([left[new], right[new]], 1).ravel()
    count = int(new.sum())
    if count:
        h.addRows(count, np.full(count, -highspy.kHighsInf), np.ones(count), 2 * count,
                  (2 * np.arange(count)).astype(np.int32), columns.astype(np.int32), np.ones(2 * count))  # fmt: skip
    return np.concatenate([present, keys[new]])


def _read_prices(arrays: CostArrays, dual: Floats, rows: Ints) -> DualPrices:
    n, (f, m) = len(arrays.effort), arrays.able.shape
    if len(dual) < n + f * m + len(rows):  # HiGHS stopped before it had any
        dual = np.zeros(n + f * m + len(rows))
    point = np.maximum(-dual[n : n + f * m], 0.0).reshape(f, m)
    apart = np.maximum(-dual[n + f * m :], 0.0)
    dear = apart > 0
    left, right = np.divmod(rows[dear], n * m)
    places = np.concatenate([left, right])
    return DualPrices(point, compress_rows(n, places // m, places % m, np.tile(apart[dear], 2)), float(apart.sum()))
