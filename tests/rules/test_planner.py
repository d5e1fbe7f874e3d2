"""Who takes over what: every sentence of the planner, on cases small enough to be judged by eye or by enumeration."""

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.offboarding.planner.costs import COST_UNPLACED, build_cost_arrays
from services.offboarding.planner.plan import Plan, make_plan
from services.offboarding.planner.problem import (
    ClientItem,
    Colleague,
    PlanningProblem,
    SearchLimits,
    StageItem,
    TeamPlaceItem,
    sort_problem,
)
from services.offboarding.planner.relaxation import DualPrices, compute_lower_bound, price_pairs, solve_relaxation
from services.offboarding.planner.rounding import repair_assignment
from services.offboarding.planner.violations import find_violations
from tests.support.long import examples

PEOPLE = ("anna", "boris", "clara", "leaver")
LANGUAGES = st.frozensets(st.sampled_from(("de", "en", "ru")), max_size=2)
REGIONS = st.frozensets(st.sampled_from(("north", "south")), max_size=1)
POINTS = st.sampled_from((0.0, 0.5, 1.0, 1.0, 2.0, 1.3))


@st.composite
def problems(draw: st.DrawFn, most: int = 4) -> PlanningProblem:
    colleagues = [
        Colleague(
            who,
            draw(st.dictionaries(st.sampled_from(("sales", "delivery")), st.sampled_from((0.0, 1.0, 2.0, 2.7, 5.0)))),
            draw(st.dictionaries(st.sampled_from(("sales", "delivery")), st.sampled_from((0.0, 0.4, 1.0)))),
            draw(st.sampled_from(("west", "east"))),
            draw(REGIONS),
            draw(LANGUAGES),
        )
        for who in draw(st.lists(st.sampled_from(PEOPLE), unique=True))
    ]
    known = st.dictionaries(st.sampled_from(PEOPLE), st.floats(0, 1), max_size=2)
    clients = [
        ClientItem(f"c{k}", draw(POINTS), draw(st.sampled_from((0.0, 10.0, 500.0))), draw(REGIONS), draw(LANGUAGES),
                   draw(st.dictionaries(st.just("delivery"), st.sampled_from(PEOPLE))), draw(known), "west")
        for k in range(draw(st.integers(0, most)))
    ]  # fmt: skip
    names = ("make", "check", "ship")
    stages = [
        StageItem(f"o{k}", stage, draw(st.sampled_from(("sales", "delivery"))), "c0", draw(POINTS),
                  taken={"bill": draw(st.sampled_from(PEOPLE))},
                  apart=draw(st.frozensets(st.sampled_from((*names, "bill")))) - {stage})
        for k in range(draw(st.integers(0, 2)))
        for stage in draw(st.lists(st.sampled_from(names), unique=True, max_size=2))
    ]  # fmt: skip
    team = [TeamPlaceItem(c.id, "delivery") for c in clients if draw(st.booleans())]
    return PlanningProblem("leaver", colleagues, clients, stages, team)


def hands(made: Plan) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    return {p.client_id: p.to_id for p in made.clients}, {(p.order_id, p.stage): p.to_id for p in made.stages}


def sales(who: str, points: float, **more: object) -> Colleague:
    return Colleague(who, {"sales": points}, **more)  # type: ignore[arg-type]


@settings(max_examples=examples(50), deadline=None)
@given(problems())
def test_a_plan_breaks_no_rule_and_fills_nobody_beyond_capacity(problem: PlanningProblem) -> None:
    found = find_violations(problem, *hands(make_plan(problem)))
    # who is over already and gets only items without effort is no worse off
    assert [v for v in found if v.code != "over"] == []
    load: dict[tuple[str, str], float] = defaultdict(float)
    made = make_plan(problem)
    clients, stages = hands(made)
    for client in problem.clients:
        load[clients.get(client.id, ""), "sales"] += client.effort
    for stage in problem.stages:
        load[stages.get((stage.order_id, stage.stage), ""), stage.function] += stage.effort
    for colleague in problem.colleagues:
        for function, points in colleague.capacity.items():
            assert load[colleague.id, function] <= max(0.0, points - colleague.load.get(function, 0.0)) + 1e-6


@settings(max_examples=examples(50), deadline=None)
@given(problems())
def test_every_item_is_placed_or_listed_exactly_once(problem: PlanningProblem) -> None:
    made = make_plan(problem)
    placed = [("client", p.client_id) for p in made.clients]
    placed += [("stage", p.order_id, p.stage) for p in made.stages]
    placed += [("team", p.client_id, p.function) for p in made.team]
    for u in made.unplaced:
        if u.order_id is not None:
            placed.append(("stage", u.order_id, u.stage or ""))
        else:
            placed.append(("team", u.client_id, u.function) if u.function else ("client", u.client_id))
    wanted = [("client", c.id) for c in problem.clients]
    wanted += [("stage", s.order_id, s.stage) for s in problem.stages]
    wanted += [("team", t.client_id, t.function) for t in problem.team]
    assert sorted(placed) == sorted(wanted)


@settings(max_examples=examples(50), deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_makes_no_difference(problem: PlanningProblem, random: object) -> None:
    def shuffled(some: object) -> list[object]:
        mixed = list(some)  # type: ignore[call-overload]
        random.shuffle(mixed)  # type: ignore[attr-defined]
        return mixed

    mixed = PlanningProblem(problem.leaver_id, *(shuffled(x) for x in
                    (problem.colleagues, problem.clients, problem.stages, problem.team)))  # type: ignore[arg-type]  # fmt: skip
    assert make_plan(mixed) == make_plan(problem)


@settings(max_examples=examples(50), deadline=None)
@given(problems())
def test_the_costs_add_up_and_the_gap_is_what_it_says(problem: PlanningProblem) -> None:
    made = make_plan(problem)
    assert made.objective == pytest.approx(sum(x.cost for x in (*made.clients, *made.stages, *made.unplaced)))
    assert made.bound <= made.objective
    assert made.gap * made.objective == pytest.approx(made.objective - made.bound)


@settings(max_examples=examples(60), deadline=None)
@given(problems(most=3))
def test_no_assignment_at_all_is_cheaper_than_the_plan_or_its_bound(problem: PlanningProblem) -> None:
    made, arrays = make_plan(problem), build_cost_arrays(sort_problem(problem))
    n, m = len(arrays.effort), arrays.able.shape[1]
    cost = arrays.cost(np.arange(n))
    best = float("inf")
    for choice in product(range(-1, m), repeat=n):
        to = np.array(choice, np.int64)
        if any(j >= 0 and not np.isfinite(cost[i, j]) for i, j in enumerate(choice)):
            continue
        if any(to[a] == to[b] >= 0 for a, b in arrays.separated_items):
            continue
        if (arrays.loads(to) <= arrays.room + 1e-6).all():
            best = min(best, float(arrays.costs(to).sum()))
    assert made.objective == pytest.approx(best, abs=1e-5)
    assert made.bound == pytest.approx(best, abs=1e-4)


@settings(max_examples=examples(50), deadline=None)
@given(problems(), st.floats(0, 30))
def test_any_prices_give_a_bound_that_no_plan_is_below(problem: PlanningProblem, price: float) -> None:
    arrays = build_cost_arrays(sort_problem(problem))
    n, m = len(arrays.effort), arrays.able.shape[1]
    if not n or not m:
        return
    apart = solve_relaxation(arrays, SearchLimits()).prices.per_pair
    prices = DualPrices(np.full(arrays.able.shape, price), replace(apart, value=apart.value * 0), 0.0)
    least = compute_lower_bound(arrays, prices, price_pairs(arrays, prices, np.arange(n)).min(axis=1))
    assert least <= make_plan(problem).objective + 1e-6


@settings(max_examples=examples(50), deadline=None)
@given(problems(), st.data())
def test_repair_makes_a_lawful_plan_of_any_assignment(problem: PlanningProblem, data: st.DataObject) -> None:
    arrays = build_cost_arrays(sort_problem(problem))
    n, m = len(arrays.effort), arrays.able.shape[1]
    if not m:
        return
    cost = arrays.cost(np.arange(n))
    wild = [data.draw(st.sampled_from([-1, *np.flatnonzero(np.isfinite(cost[i])).tolist()])) for i in range(n)]
    to = repair_assignment(arrays, np.array(wild, np.int64))
    assert (arrays.loads(to) <= arrays.room + 1e-5).all()
    assert not any(to[a] == to[b] >= 0 for a, b in arrays.separated_items)


def portfolio(n: int, m: int, tight: float) -> PlanningProblem:
    draw = np.random.default_rng(7)
    effort = draw.choice([0.5, 1.0, 1.0, 2.0], n)
    colleagues = [
        sales(f"e{j:02}", float(round(effort.sum() * tight / m)), regions=frozenset({f"r{j % 6}"})) for j in range(m)
    ]
    clients = [
        ClientItem(f"c{i:04}", float(effort[i]), float(draw.integers(1, 1000)), frozenset({f"r{draw.integers(6)}"}),
                   known_by={f"e{draw.integers(m):02}": float(draw.random())})
        for i in range(n)
    ]  # fmt: skip
    return PlanningProblem("leaver", colleagues, clients)


def test_pruning_to_two_candidates_costs_nothing_that_the_gap_hides() -> None:
    problem = portfolio(400, 20, 1.05)
    wide = make_plan(replace(problem, limits=SearchLimits(candidates_per_item=20)))
    narrow = make_plan(replace(problem, limits=SearchLimits(candidates_per_item=2)))
    assert narrow.bound <= wide.objective + 1e-6
    assert wide.bound <= narrow.objective + 1e-6
    assert narrow.gap <= 0.005
    assert wide.gap <= 0.005


def test_equal_colleagues_beyond_the_first_candidates_are_all_used() -> None:
    people = [sales(f"e{j}", 20.0) for j in range(40)]
    made = make_plan(PlanningProblem("leaver", people, [ClientItem(f"c{k}") for k in range(600)]))
    shares = Counter(p.to_id for p in made.clients)
    assert max(shares.values()) - min(shares.values()) <= 2
    assert made.gap <= 0.005


def test_a_gap_is_never_above_one_however_short_the_search() -> None:
    problem = replace(
        portfolio(60, 5, 0.5),
        limits=SearchLimits(simplex_iterations=1, rounds=1, max_search_nodes=0, candidates_per_item=1),
    )
    assert 0.0 <= make_plan(problem).gap <= 1.0


def test_a_search_cut_short_still_gives_a_lawful_plan_with_a_true_bound() -> None:
    problem = portfolio(60, 5, 1.0)
    best = make_plan(problem)
    short = make_plan(
        replace(problem, limits=SearchLimits(simplex_iterations=3, rounds=1, max_search_nodes=0, candidates_per_item=1))
    )
    assert find_violations(problem, *hands(short)) == []
    assert short.bound <= best.objective + 1e-6 <= short.objective + 2e-6


def test_many_apart_stages_are_kept_apart_at_scale() -> None:
    people = [Colleague(f"e{j}", {"make": 60.0}) for j in range(6)]
    stages = [
        StageItem(f"o{k}", name, "make", "c", apart=frozenset({"a", "b"} - {name})) for k in range(150) for name in "ab"
    ]
    made = make_plan(PlanningProblem("leaver", people, stages=stages))
    _, placed = hands(made)
    assert made.unplaced == ()
    assert all(placed[f"o{k}", "a"] != placed[f"o{k}", "b"] for k in range(150))
    assert made.gap <= 0.005


def test_the_leaver_never_takes_over_from_the_leaver() -> None:
    made = make_plan(PlanningProblem("leaver", [sales("leaver", 50), sales("anna", 5)], [ClientItem("c")]))
    assert hands(made)[0] == {"c": "anna"}


def test_an_empty_problem_has_an_empty_plan_and_no_gap() -> None:
    assert make_plan(PlanningProblem("leaver", [])) == Plan((), (), (), (), 0.0, 0.0, 0.0)


def test_without_colleagues_everything_is_listed_and_nothing_is_charged() -> None:
    made = make_plan(
        PlanningProblem(
            "leaver", [], [ClientItem("c")], [StageItem("o", "ship", "delivery", "c")], [TeamPlaceItem("c", "x")]
        )
    )
    assert [u.reason for u in made.unplaced] == ["no_function"] * 3
    assert (made.objective, made.gap) == (0.0, 0.0)


def test_a_client_that_nobody_has_room_for_stays_with_the_reason() -> None:
    made = make_plan(PlanningProblem("leaver", [sales("anna", 3, load={"sales": 2.5})], [ClientItem("c")]))
    assert [(u.client_id, u.reason) for u in made.unplaced] == [("c", "no_capacity")]
    assert made.objective >= COST_UNPLACED


def test_a_client_that_no_seller_exists_for_stays_with_the_reason() -> None:
    made = make_plan(PlanningProblem("leaver", [Colleague("anna", {"delivery": 9.0})], [ClientItem("c")]))
    assert [u.reason for u in made.unplaced] == ["no_function"]


def test_a_client_without_effort_goes_even_to_somebody_who_is_full() -> None:
    made = make_plan(PlanningProblem("leaver", [sales("anna", 2, load={"sales": 7.0})], [ClientItem("c", effort=0.0)]))
    assert hands(made)[0] == {"c": "anna"}


def test_the_most_valuable_clients_are_placed_first_when_room_is_short() -> None:
    clients = [ClientItem(f"c{k}", value=100.0 * k) for k in range(5)]
    assert set(hands(make_plan(PlanningProblem("leaver", [sales("anna", 2)], clients)))[0]) == {"c3", "c4"}


def test_room_left_in_pieces_is_put_together_for_a_large_client() -> None:
    people = [sales("anna", 2), sales("boris", 2)]
    clients = [ClientItem("large", 2.0), ClientItem("one", 1.0), ClientItem("two", 1.0)]
    assert len(hands(make_plan(PlanningProblem("leaver", people, clients)))[0]) == 3


@pytest.mark.parametrize(
    ("fitting", "other", "client", "word"),
    [
        (sales("b", 9), sales("a", 9), ClientItem("c", known_by={"b": 0.9, "x": 0.1}), "relationship"),
        (sales("b", 9), sales("a", 9), ClientItem("c", team={"delivery": "b", "design": "x"}), "team"),
        (sales("b", 9, languages=frozenset({"ru"})), sales("a", 9), ClientItem("c", languages=frozenset({"ru"})), "language"),
        (sales("b", 9, regions=frozenset({"de"})), sales("a", 9), ClientItem("c", regions=frozenset({"de"})), "region"),
        (sales("b", 9, department_id="d"), sales("a", 9), ClientItem("c", prefer_department="d"), "department"),
        (sales("b", 9), sales("a", 9, load={"sales": 8.0}), ClientItem("c"), "room"),
    ],
)  # fmt: skip
def test_the_better_fit_gets_the_client_and_the_plan_says_why(
    fitting: Colleague, other: Colleague, client: ClientItem, word: str
) -> None:
    made = make_plan(PlanningProblem("leaver", [fitting, other], [client]))
    assert made.clients[0].to_id == "b"
    assert word in made.clients[0].why


def test_equal_colleagues_share_the_clients_evenly() -> None:
    made = make_plan(
        PlanningProblem("leaver", [sales("anna", 10), sales("boris", 10)], [ClientItem(f"c{k}") for k in range(10)])
    )
    given_to = list(hands(made)[0].values())
    assert (given_to.count("anna"), given_to.count("boris")) == (5, 5)


def test_the_only_other_person_who_knows_a_client_does_not_become_its_owner() -> None:
    people = [sales("anna", 9), sales("boris", 9)]
    made = make_plan(PlanningProblem("leaver", people, [ClientItem("c", known_by={"anna": 1.0, "leaver": 1.0})]))
    assert made.clients[0].to_id == "boris"
    assert "sole_person" not in made.clients[0].why


def test_where_only_one_can_know_the_client_they_get_it_and_the_plan_warns() -> None:
    made = make_plan(PlanningProblem("leaver", [sales("anna", 9)], [ClientItem("c", known_by={"anna": 1.0})]))
    assert made.clients[0].to_id == "anna"
    assert "sole_person" in made.clients[0].why


def test_a_stage_goes_to_other_hands_than_those_it_is_apart_from() -> None:
    people = [Colleague("anna", {"delivery": 9.0}), Colleague("boris", {"delivery": 9.0})]
    stage = StageItem("o", "ship", "delivery", "c", taken={"sell": "anna"}, apart=frozenset({"sell"}))
    assert hands(make_plan(PlanningProblem("leaver", people, stages=[stage])))[1] == {("o", "ship"): "boris"}


def test_two_open_stages_that_are_apart_go_to_two_people_or_one_stays() -> None:
    stages = [
        StageItem("o", "make", "delivery", "c", apart=frozenset({"ship"})),
        StageItem("o", "ship", "delivery", "c"),
    ]
    people = [Colleague("anna", {"delivery": 9.0}), Colleague("boris", {"delivery": 9.0})]
    both = hands(make_plan(PlanningProblem("leaver", people, stages=stages)))[1]
    assert set(both.values()) == {"anna", "boris"}
    alone = make_plan(PlanningProblem("leaver", people[:1], stages=stages))
    assert len(alone.stages) == 1
    assert [u.reason for u in alone.unplaced] == ["separation"]


def test_a_stage_that_all_its_candidates_are_barred_from_is_listed_for_separation() -> None:
    stage = StageItem("o", "ship", "delivery", "c", taken={"sell": "anna"}, apart=frozenset({"sell"}))
    made = make_plan(PlanningProblem("leaver", [Colleague("anna", {"delivery": 9.0})], stages=[stage]))
    assert [(u.order_id, u.stage, u.reason) for u in made.unplaced] == [("o", "ship", "separation")]


def test_a_place_in_the_team_goes_to_somebody_else_than_the_new_owner() -> None:
    both = {"sales": 9.0, "delivery": 9.0}
    people = [Colleague("anna", both), Colleague("boris", {"delivery": 9.0})]
    made = make_plan(
        PlanningProblem(
            "leaver", people, [ClientItem("c", known_by={"anna": 1.0})], team=[TeamPlaceItem("c", "delivery")]
        )
    )
    assert (made.clients[0].to_id, made.team[0].to_id) == ("anna", "boris")


def test_a_place_in_the_team_goes_to_the_owner_where_nobody_else_has_the_function() -> None:
    made = make_plan(
        PlanningProblem("leaver", [Colleague("anna", {"delivery": 9.0})], team=[TeamPlaceItem("c", "delivery", "anna")])
    )
    assert [t.to_id for t in made.team] == ["anna"]


def test_places_in_teams_are_spread_over_those_who_have_the_function() -> None:
    people = [Colleague(who, {"delivery": 9.0}) for who in ("anna", "boris")]
    made = make_plan(
        PlanningProblem("leaver", people, team=[TeamPlaceItem(f"c{k}", "delivery", "x") for k in range(6)])
    )
    assert [t.to_id for t in made.team].count("anna") == 3


def test_an_edit_over_capacity_is_shown_and_not_refused() -> None:
    problem = PlanningProblem("leaver", [sales("anna", 1)], [ClientItem("a"), ClientItem("b", 1.5)])
    found = find_violations(problem, {"a": "anna", "b": "anna"}, {})
    assert [(v.code, v.forbids_approval, v.points) for v in found] == [("over", False, 1.5)]


def test_an_edit_that_breaks_separation_is_refused() -> None:
    taken = StageItem("o", "ship", "delivery", "c", taken={"sell": "anna"}, apart=frozenset({"sell"}))
    ahead = StageItem("p", "make", "delivery", "c", apart=frozenset({"ship"}))
    after = StageItem("p", "ship", "delivery", "c")
    problem = PlanningProblem("leaver", [Colleague("anna", {"delivery": 9.0})], stages=[taken, ahead, after])
    found = find_violations(problem, {}, {("o", "ship"): "anna", ("p", "make"): "anna", ("p", "ship"): "anna"})
    assert [(v.code, v.forbids_approval, v.order_id) for v in found] == [
        ("separation", True, "o"), ("separation", True, "p"), ("separation", True, "p"),
    ]  # fmt: skip


def test_an_edit_to_the_leaver_to_strangers_or_without_the_function_is_refused() -> None:
    problem = PlanningProblem("leaver", [Colleague("anna", {}), sales("leaver", 9)], [ClientItem(k) for k in "abc"])
    found = find_violations(problem, {"a": "leaver", "b": "stranger", "c": "anna", "z": "anna"}, {("o", "x"): "anna"})
    assert [v.code for v in found] == ["not_eligible", "not_eligible", "no_function", "unknown", "unknown"]
    assert all(v.forbids_approval for v in found)


@pytest.mark.parametrize(
    "problem",
    [
        PlanningProblem("leaver", [sales("a", 1), sales("a", 2)]),
        PlanningProblem("leaver", [], [ClientItem("c"), ClientItem("c")]),
        PlanningProblem("leaver", [], [ClientItem("c", effort=-1.0)]),
        PlanningProblem("leaver", [], [ClientItem("c", value=float("nan"))]),
        PlanningProblem("leaver", [sales("a", float("inf"))]),
    ],
)
def test_a_problem_that_contradicts_itself_is_refused(problem: PlanningProblem) -> None:
    with pytest.raises(ValueError, match=r"twice|negative"):
        make_plan(problem)
