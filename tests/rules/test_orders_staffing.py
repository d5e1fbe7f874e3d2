"""Who may be given a stage, who is chosen, and how many moves at once come out."""

from datetime import date
from decimal import Decimal

import pytest

from services.orders.flows.rules import FlowStage, build_flow
from services.orders.orders.rules import Order, OrderRequest, build_order, staff_order
from services.orders.planning.rules import move_stages
from services.orders.staffing.rules import CapacityBreached, FunctionCapacity, Roster, SeparationBreached, WrongFunction
from shared.calendar import Calendar
from shared.contracts.orders import StageMove
from shared.errors import HoldfastError
from shared.people.rules import Frozen

FLOW = build_flow(
    "f", 1, "Flow", [FlowStage("sell", "sales", 1, 1), FlowStage("ship", "delivery", 2, 1)], [("sell", "ship")]
)


def new(id: str = "o") -> Order:
    day = date(2026, 3, 2)
    return build_order(OrderRequest(id, "c", "f", Decimal(1), "own", day), FLOW, "crm", day, Calendar())


def given(order: Order, *employees: str | None) -> Order:
    stages = tuple(s._replace(employee_id=e) for s, e in zip(order.stages, employees, strict=True))
    return order._replace(stages=stages)


def staff(*extra: FunctionCapacity) -> Roster:
    return Roster(
        [
            FunctionCapacity("ann", "sales", 10, 5),
            FunctionCapacity("bob", "sales", 10, 2),
            FunctionCapacity("bob", "delivery", 10, 2),
            FunctionCapacity("cat", "delivery", 4, 2),
            FunctionCapacity("dan", "delivery", 2, 1),
            *extra,
        ]
    )


SELL, SHIP = new().stages


def test_whoever_has_room_in_the_function_and_does_no_stage_apart_may_do_it() -> None:
    assert staff().find_refusal(new().need_of(SHIP), "cat") is None
    assert staff().find_refusal(new().need_of(SHIP), "bob") is None


def test_each_rule_refuses_by_its_name() -> None:
    assert staff().find_refusal(new().need_of(SHIP), "ann") is WrongFunction
    assert staff().find_refusal(given(new(), "bob", None).need_of(SHIP), "bob") is SeparationBreached
    assert staff().find_refusal(new().need_of(SHIP), "dan") is CapacityBreached
    assert staff().find_refusal(new().need_of(SHIP), "stranger") is WrongFunction


def test_room_is_used_up_to_the_last_point_and_rounding_refuses_nobody() -> None:
    tight = Roster([FunctionCapacity("cat", "delivery", 2.3, 0.1 + 0.2)])
    assert tight.find_refusal(new().need_of(SHIP), "cat") is None
    tight.add_load(new().need_of(SHIP), "cat")
    assert tight.find_refusal(new().need_of(SHIP), "cat") is CapacityBreached
    tight.remove_load(new().need_of(SHIP), "cat")
    assert tight.find_refusal(new().need_of(SHIP), "cat") is None


def test_a_capacity_of_nothing_takes_only_what_weighs_nothing() -> None:
    none = Roster([FunctionCapacity("cat", "delivery", 0, 0)])
    assert none.find_refusal(new().need_of(SHIP), "cat") is CapacityBreached
    assert none.find_refusal(new().need_of(SHIP._replace(effort=0)), "cat") is None
    assert none.pick_best(new().need_of(SHIP._replace(effort=0))) == "cat"


def test_who_could_are_those_allowed_with_most_room_first() -> None:
    assert staff().list_candidates(new().need_of(SHIP)) == ["bob", "cat"]
    assert staff().list_candidates(given(new(), "bob", None).need_of(SHIP)) == ["cat"]
    assert staff(FunctionCapacity("eve", "delivery", 9, 0, is_present=False)).list_candidates(new().need_of(SHIP)) == [
        "bob",
        "cat",
    ]


def test_the_best_has_the_smallest_part_of_their_capacity_in_use_then_the_smallest_id() -> None:
    assert staff().pick_best(new().need_of(SHIP)) == "bob"
    assert staff(FunctionCapacity("amy", "delivery", 5, 1)).pick_best(new().need_of(SHIP)) == "amy"
    assert staff(FunctionCapacity("amy", "delivery", 5, 0, is_present=False)).pick_best(new().need_of(SHIP)) == "bob"
    assert Roster([]).pick_best(new().need_of(SHIP)) is None


def test_taking_changes_who_is_best_and_releasing_changes_it_back() -> None:
    roster = staff()
    roster.add_load(new().need_of(SHIP), "bob")
    roster.add_load(new().need_of(SHIP), "bob")
    assert roster.pick_best(new().need_of(SHIP)) == "cat"
    roster.remove_load(new().need_of(SHIP), "bob")
    roster.remove_load(new().need_of(SHIP), "bob")
    assert roster.pick_best(new().need_of(SHIP)) == "bob"
    assert roster.pick_best(new().need_of(SHIP)) == "bob"


def test_a_new_order_gets_whom_it_names_and_the_best_for_the_rest() -> None:
    order = staff_order(new(), {"sell": "bob"}, {}, staff())
    assert [stage.employee_id for stage in order.stages] == ["bob", "cat"]
    order = staff_order(new(), {}, {}, staff())
    assert [stage.employee_id for stage in order.stages] == ["bob", "cat"]
    order = staff_order(new(), {"ship": "bob"}, {}, staff())
    assert [stage.employee_id for stage in order.stages] == ["ann", "bob"]


def test_what_nobody_has_room_for_stays_with_nobody() -> None:
    order = staff_order(
        new(),
        {"sell": "bob"},
        {},
        Roster([FunctionCapacity("bob", "sales", 1, 0), FunctionCapacity("bob", "delivery", 9, 0)]),
    )
    assert [stage.employee_id for stage in order.stages] == ["bob", None]


def test_a_sweep_over_many_orders_fills_everybody_evenly_and_nobody_over() -> None:
    roster = Roster(
        [FunctionCapacity(f"s{n}", "sales", 10, 0) for n in range(3)]
        + [FunctionCapacity(f"d{n}", "delivery", 10, 0) for n in range(3)]
    )
    orders = [staff_order(new(f"o{n}"), {}, {}, roster) for n in range(20)]
    shipped = [order.stages[1].employee_id for order in orders]
    assert [shipped.count(f"d{n}") for n in range(3)] == [5, 5, 5]
    assert shipped.count(None) == 5
    sold = [order.stages[0].employee_id for order in orders]
    assert sorted(sold.count(f"s{n}") for n in range(3)) == [6, 7, 7]


def test_a_refused_order_takes_nothing_from_the_bench() -> None:
    roster = Roster([FunctionCapacity("bob", "sales", 1, 0), FunctionCapacity("cat", "delivery", 1, 0)])
    with pytest.raises(CapacityBreached) as refused:
        staff_order(new(), {"sell": "bob", "ship": "cat"}, {}, roster)
    assert refused.value.extra == {"could": []}
    assert roster.find_refusal(new().need_of(SELL), "bob") is None


def test_who_is_frozen_is_refused_as_such() -> None:
    with pytest.raises(Frozen) as refused:
        staff_order(new(), {"ship": "lea"}, {"lea": Frozen}, staff())
    assert refused.value.extra == {"could": ["bob", "cat"]}


def move(to: str, stage: str = "ship", order: str = "o", who: str = "lea") -> StageMove:
    return StageMove(order_id=order, stage=stage, from_id=who, to_id=to)


def outcomes(*moves: StageMove, order: Order | None = None, **refusals: type[HoldfastError]) -> list[str]:
    held = order or given(new(), "bob", "lea")
    results, _ = move_stages(moves, {"o": held}, staff(), refusals, "lea")
    return [result.outcome for result in results]


def test_each_move_is_done_or_refused_by_itself() -> None:
    assert outcomes(move("cat")) == ["done"]
    assert outcomes(move("bob")) == ["separation"]
    assert outcomes(move("dan")) == ["no_capacity"]
    assert outcomes(move("ann")) == ["wrong_function"]
    assert outcomes(move("cat"), cat=Frozen) == ["frozen"]
    assert outcomes(move("cat", order="x")) == ["unknown_stage"]
    assert outcomes(move("cat", stage="x")) == ["unknown_stage"]
    assert outcomes(move("cat", who="zoe")) == ["not_assignee"]
    assert outcomes(move("cat"), move("cat")) == ["done", "done"]
    assert outcomes(move("cat"), move("bob", who="cat", stage="ship")) == ["done", "separation"]


def test_what_is_completed_meanwhile_is_closed() -> None:
    order = given(new(), "bob", "lea")
    done = order._replace(stages=tuple(stage._replace(status="completed", open=False) for stage in order.stages))
    assert outcomes(move("cat"), order=done) == ["closed"]


def test_a_moved_stage_is_what_it_was_before_it_was_held_and_its_order_one_version_further() -> None:
    order = given(new(), "bob", "lea")
    held = order.stages[1]._replace(status="held", held_from="waiting")
    order = order._replace(stages=(order.stages[0], held), version=7)
    _, changed = move_stages([move("cat")], {"o": order}, staff(), {}, "lea")
    stage = changed["o"].stages[1]
    assert (stage.employee_id, stage.status, stage.held_from, changed["o"].version) == ("cat", "waiting", None, 8)


def test_a_caretaker_is_refused_by_no_capacity_and_what_they_may_not_do_goes_to_nobody() -> None:
    def given_to(who: str, **refusals: type[HoldfastError]) -> str | None:
        order = given(new(), "bob", "lea")
        results, changed = move_stages([move(who)], {"o": order}, staff(), refusals, "lea", to_caretaker=True)
        assert results[0].outcome == "done"
        return changed["o"].stages[1].employee_id

    assert given_to("dan") == "dan"  # who has no room
    assert given_to("ann") is None  # who does not work in this function
    assert given_to("bob") is None  # who does the stage that must be in other hands
    assert given_to("dan", dan=Frozen) is None


def test_moves_back_to_the_leaver_are_held_there_and_no_capacity_refuses_them() -> None:
    order = given(new(), "bob", "cat")
    back = move("lea", who="cat")
    results, changed = move_stages([back], {"o": order}, staff(), {"lea": Frozen}, "lea")
    assert results[0].outcome == "done"
    assert (changed["o"].stages[1].status, changed["o"].stages[1].held_from) == ("held", "waiting")
    _, changed = move_stages([back], {"o": order}, staff(), {}, "lea")
    assert changed["o"].stages[1].status == "waiting"
    assert outcomes(back, order=given(new(), "lea", "cat")) == ["separation"]


def test_equal_input_gives_an_equal_answer() -> None:
    moves = [move("cat"), move("dan"), move("bob", stage="sell", who="bob")]
    order = given(new(), "bob", "lea")
    assert move_stages(moves, {"o": order}, staff(), {}, "lea") == move_stages(moves, {"o": order}, staff(), {}, "lea")
