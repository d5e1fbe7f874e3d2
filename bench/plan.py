"""Planning against HiGHS alone on the same arrays: what costs, pricing, repair and words add to the solver's time.

"HiGHS alone" gets the arrays that the planner ended with, pairs that it brought in included, solves that relaxation from
nothing, and stops: no whole items, no bound over the pairs that were left out, no reasons.
"""

import time
from collections.abc import Callable
from statistics import median

import numpy as np

from bench.figures import FigureRow
from services.offboarding.planner.costs import build_cost_arrays
from services.offboarding.planner.plan import make_plan
from services.offboarding.planner.problem import ClientItem, Colleague, PlanningProblem, sort_problem
from services.offboarding.planner.relaxation import (
    build_linear_model,
    compute_pair_costs,
    load_model,
    make_solver,
    solve_relaxation,
)

RUNS = 3


def make_problem(clients: int, colleagues: int, room: float) -> PlanningProblem:
    """Made data, the same every time; `room`: free capacity / effort to be placed."""
    draw = np.random.default_rng(1)
    regions, languages = [f"r{k}" for k in range(12)], ["de", "en", "es", "fr", "it"]
    effort = draw.choice([0.5, 1.0, 1.0, 1.0, 2.0, 3.0], clients)
    capacity = effort.sum() * room / colleagues * draw.uniform(0.7, 1.3, colleagues) * 1.6
    people = [
        Colleague(
            f"e{j:03}",
            {"sales": float(capacity[j])},
            {"sales": float(capacity[j] * 0.375)},
            f"d{j % 5}",
            frozenset(draw.choice(regions, 2).tolist()),
            frozenset(draw.choice(languages, 2).tolist()),
        )
        for j in range(colleagues)
    ]
    items = [
        ClientItem(
            f"c{i:06}",
            float(effort[i]),
            float(draw.lognormal(9, 1)),
            frozenset({regions[draw.integers(12)]}),
            frozenset({languages[draw.integers(5)]}),
            known_by={f"e{draw.integers(colleagues):03}": float(draw.random()) for _ in range(draw.integers(4))},
            prefer_department=f"d{draw.integers(5)}",
        )
        for i in range(clients)
    ]
    return PlanningProblem("leaver", people, items)


def time_call(what: Callable[[], object]) -> float:
    """Wall time of one call."""
    begun = time.perf_counter()
    what()
    return time.perf_counter() - begun


def measure_plan(clients: int, colleagues: int, room: float) -> FigureRow:
    """One figure: median of the runs of both, taken in turn so that both meet the same weather."""
    problem = make_problem(clients, colleagues, room)
    made = make_plan(problem)
    arrays = build_cost_arrays(sort_problem(problem))
    relaxed = solve_relaxation(arrays, problem.limits)
    given = build_linear_model(
        arrays, relaxed.item, relaxed.colleague, compute_pair_costs(arrays, relaxed.item, relaxed.colleague)
    )

    def alone() -> None:
        h = make_solver(problem.limits)
        load_model(h, given)
        h.run()

    ours, theirs = zip(*((time_call(lambda: make_plan(problem)), time_call(alone)) for _ in range(RUNS)), strict=True)
    return FigureRow(
        figure=f"plan {clients:,} clients × {colleagues} colleagues",
        value=f"{median(ours):.2f} s",
        against=f"HiGHS alone on the same arrays ({len(relaxed.item):,} pairs): {median(theirs):.2f} s",
        ratio=round(median(ours) / median(theirs), 2),
        aim="≤ 1.5, gap ≤ 0.5 %",
        note=f"gap {made.gap:.3%} against all {clients * colleagues:,} pairs, {len(made.unplaced)} unplaced",
    )


def measure() -> list[FigureRow]:
    """The rows; free room is a tenth more than is needed."""
    return [measure_plan(10_000, 50, 1.1), measure_plan(1_000, 50, 1.1)]
