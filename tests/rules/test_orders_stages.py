"""The life of an order: stages become ready, are worked off in order, are held, and dates follow."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.orders.flows.rules import FlowStage, SeparatesUnknownStages, StagesNamedTwice, build_flow
from services.orders.freezes.rules import give_stages_to_stand_in
from services.orders.orders.rules import (
    DatesOutOfOrder,
    EndsInFuture,
    NoSuchStage,
    Order,
    OrderClosed,
    OrderRequest,
    UnknownStageInAssignees,
    amend_order,
    build_order,
    cancel_order,
    make_order_state,
    plan_due_day,
)
from services.orders.stages.rules import (
    NobodyAssigned,
    StageCompletedAlready,
    StageHeld,
    StageNotStarted,
    StageWaits,
    assign_stage,
    complete_stage,
    start_stage,
)
from shared.calendar import Calendar

TODAY = date(2026, 3, 2)  # a Monday
CALENDAR = Calendar()
STAGES = [
    FlowStage("offer", "sales", 1, 2),
    FlowStage("design", "engineering", 3, 5),
    FlowStage("install", "delivery", 2, 1),
]
FLOW = build_flow("f", 1, "Flow", STAGES, [("offer", "install")])


def make_request(**changed: Any) -> OrderRequest:
    return OrderRequest(
        **{
            "order_id": "o",
            "client_id": "c",
            "flow_id": "f",
            "value": Decimal("10"),
            "origin": "own",
            "placed_on": TODAY,
        }
        | changed
    )


def make_order(**changed: Any) -> Order:
    order = build_order(make_request(**changed), FLOW, "crm", TODAY, CALENDAR)
    for name, employee_id in (("offer", "a"), ("design", "b"), ("install", "c")):
        if order.status == "open":
            order, _ = assign_stage(order, name, employee_id)
    return order


def work_off_stages(order: Order, *names: str, day: date = TODAY) -> Order:
    for name in names:
        order, _ = start_stage(order, name, day)
        order, _ = complete_stage(order, name, day, CALENDAR)
    return order


def hold_stage(order: Order, name: str) -> Order:
    stages = tuple(
        stage._replace(status="held", held_from=stage.status) if stage.name == name else stage for stage in order.stages
    )
    return order._replace(stages=stages)


def list_statuses(order: Order) -> list[str]:
    return [stage.status for stage in order.stages]


def test_a_new_order_has_its_first_stage_ready_and_the_others_waiting() -> None:
    order = build_order(make_request(), FLOW, "crm", TODAY, CALENDAR)
    assert list_statuses(order) == ["ready", "waiting", "waiting"]
    assert [stage.employee_id for stage in order.stages] == [None, None, None]
    assert all(stage.open for stage in order.stages)


def test_stages_are_planned_one_after_the_other_in_working_days() -> None:
    order = make_order()
    assert [(s.starts_on, s.due_on) for s in order.stages] == [
        (date(2026, 3, 2), date(2026, 3, 4)),
        (date(2026, 3, 4), date(2026, 3, 11)),
        (date(2026, 3, 11), date(2026, 3, 12)),
    ]
    assert order.planned_on == date(2026, 3, 12)


def test_a_real_completion_moves_what_follows_but_not_what_was_planned_at_first() -> None:
    order = work_off_stages(make_order(), "offer", day=date(2026, 3, 9))
    assert [(s.starts_on, s.due_on) for s in order.stages[1:]] == [
        (date(2026, 3, 9), date(2026, 3, 16)),
        (date(2026, 3, 16), date(2026, 3, 17)),
    ]
    assert order.planned_on == date(2026, 3, 12)


@pytest.mark.parametrize(
    ("day", "days", "then"),
    [
        (date(2026, 3, 2), 0, date(2026, 3, 2)),
        (date(2026, 3, 6), 1, date(2026, 3, 9)),
        (date(2026, 3, 7), 1, date(2026, 3, 9)),
        (date(2026, 3, 2), 5, date(2026, 3, 9)),
        (date(2026, 12, 31), 1, date(2027, 1, 1)),
    ],
)
def test_weekends_are_no_working_days(day: date, days: int, then: date) -> None:
    assert plan_due_day(day, days, CALENDAR) == then


def test_holidays_are_no_working_days() -> None:
    assert plan_due_day(date(2026, 4, 2), 2, Calendar("DE")) == date(2026, 4, 8)  # Good Friday, Easter Monday


def test_stages_are_worked_off_in_order_and_the_last_one_delivers() -> None:
    order = make_order()
    assert list_statuses(work_off_stages(order, "offer")) == ["completed", "ready", "waiting"]
    assert work_off_stages(order, "offer", "design").status == "open"
    done = work_off_stages(order, "offer", "design", "install", day=TODAY + timedelta(days=3))
    assert (done.status, done.delivered_on) == ("delivered", TODAY + timedelta(days=3))
    assert not any(stage.open for stage in done.stages)


def test_the_last_completion_is_announced_as_two_events_with_the_same_state() -> None:
    order, _ = start_stage(work_off_stages(make_order(), "offer", "design"), "install", TODAY)
    order, events = complete_stage(order, "install", TODAY, CALENDAR)
    assert [event.type for event in events] == ["stage.completed", "order.delivered"]
    assert [event.order for event in events] == [make_order_state(order)] * 2


def test_starting_and_completing_again_does_nothing() -> None:
    order, first = start_stage(make_order(), "offer", TODAY)
    assert start_stage(order, "offer", TODAY) == (order, [])
    assert len(first) == 1
    done, _ = complete_stage(order, "offer", TODAY, CALENDAR)
    assert complete_stage(done, "offer", TODAY, CALENDAR) == (done, [])
    assert start_stage(done, "offer", TODAY) == (done, [])


@pytest.mark.parametrize(
    ("order", "name", "refusal"),
    [
        (make_order(), "design", StageWaits),
        (hold_stage(make_order(), "offer"), "offer", StageHeld),
        (build_order(make_request(), FLOW, "crm", TODAY, CALENDAR), "offer", NobodyAssigned),
        (cancel_order(make_order(), TODAY)[0], "offer", OrderClosed),
        (make_order(), "nonsense", NoSuchStage),
    ],
)
def test_a_stage_is_started_only_when_it_is_ready_and_somebodys(
    order: Order, name: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        start_stage(order, name, TODAY)


@pytest.mark.parametrize(
    ("order", "name", "refusal"),
    [
        (make_order(), "offer", StageNotStarted),
        (make_order(), "design", StageWaits),
        (hold_stage(start_stage(make_order(), "offer", TODAY)[0], "offer"), "offer", StageHeld),
        (cancel_order(start_stage(make_order(), "offer", TODAY)[0], TODAY)[0], "offer", OrderClosed),
    ],
)
def test_a_stage_is_completed_only_when_it_is_started(order: Order, name: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        complete_stage(order, name, TODAY, CALENDAR)


def test_a_held_stage_becomes_ready_behind_its_freeze() -> None:
    order = work_off_stages(hold_stage(make_order(), "design"), "offer")
    assert (order.stages[1].status, order.stages[1].held_from) == ("held", "ready")


def test_a_held_stage_that_is_given_to_somebody_is_what_it_was() -> None:
    started, _ = start_stage(make_order(), "offer", TODAY)
    order, [event] = assign_stage(hold_stage(started, "offer"), "offer", "z")
    assert (order.stages[0].employee_id, order.stages[0].status, order.stages[0].held_from) == ("z", "started", None)
    assert (event.stage, event.employee_id, event.client_id) == ("offer", "z", "c")


def test_giving_a_stage_to_who_has_it_changes_nothing_and_what_is_done_stays_as_it_is() -> None:
    order = make_order()
    assert assign_stage(order, "offer", "a") == (order, [])
    with pytest.raises(StageCompletedAlready):
        assign_stage(work_off_stages(order, "offer"), "offer", "z")
    with pytest.raises(OrderClosed):
        assign_stage(work_off_stages(order, "offer", "design", "install"), "offer", "z")


def test_every_change_raises_the_version_by_one() -> None:
    order = build_order(make_request(), FLOW, "crm", TODAY, CALENDAR)
    versions = [order.version]
    for step in (
        lambda order: assign_stage(order, "offer", "a"),
        lambda order: start_stage(order, "offer", TODAY),
        lambda order: complete_stage(order, "offer", TODAY, CALENDAR),
        lambda order: cancel_order(order, TODAY),
    ):
        order, _ = step(order)
        versions.append(order.version)
    assert versions == [1, 2, 3, 4, 5]


def test_a_cancelled_order_weighs_on_nobody_and_holds_nothing() -> None:
    order, events = cancel_order(hold_stage(make_order(), "offer"), TODAY)
    assert list_statuses(order) == ["ready", "waiting", "waiting"]
    assert not any(stage.open for stage in order.stages)
    assert [event.type for event in events] == ["order.cancelled"]
    assert cancel_order(order, TODAY) == (order, [])
    with pytest.raises(OrderClosed):
        cancel_order(work_off_stages(make_order(), "offer", "design", "install"), TODAY)


def test_history_is_done_by_whom_it_says() -> None:
    order = make_order(placed_on=TODAY - timedelta(days=9), delivered_on=TODAY, assignees={"offer": "gone"})
    assert (order.status, list_statuses(order)) == ("delivered", ["completed"] * 3)
    assert [stage.employee_id for stage in order.stages] == ["gone", None, None]
    assert not any(stage.open for stage in order.stages)


@pytest.mark.parametrize(
    "changed",
    [
        {"promised_on": TODAY - timedelta(days=1)},
        {"delivered_on": TODAY - timedelta(days=1)},
        {"cancelled_on": TODAY - timedelta(days=1)},
        {"delivered_on": TODAY, "cancelled_on": TODAY},
    ],
)
def test_dates_that_cannot_follow_each_other_are_refused(changed: dict[str, date]) -> None:
    with pytest.raises(DatesOutOfOrder):
        build_order(make_request(**changed), FLOW, "crm", TODAY, CALENDAR)


@pytest.mark.parametrize("end", ["delivered_on", "cancelled_on"])
def test_what_has_happened_does_not_lie_in_the_future(end: str) -> None:
    assert build_order(make_request(**{end: TODAY + timedelta(days=1)}), FLOW, "crm", TODAY, CALENDAR).status != "open"
    with pytest.raises(EndsInFuture):
        build_order(make_request(**{end: TODAY + timedelta(days=2)}), FLOW, "crm", TODAY, CALENDAR)


def test_assignees_name_stages_of_the_flow() -> None:
    with pytest.raises(UnknownStageInAssignees):
        build_order(make_request(assignees={"nonsense": "a"}), FLOW, "crm", TODAY, CALENDAR)


@pytest.mark.parametrize(
    ("promised", "delivered", "today", "late"),
    [
        (None, None, date(2026, 3, 12), False),
        (None, None, date(2026, 3, 13), True),
        (date(2026, 3, 20), None, date(2026, 3, 20), False),
        (date(2026, 3, 4), None, date(2026, 3, 5), True),
        (date(2026, 3, 4), date(2026, 3, 4), date(2026, 5, 5), False),
        (date(2026, 3, 4), date(2026, 3, 5), date(2026, 5, 5), True),
    ],
)
def test_an_order_is_late_past_its_promise_or_else_past_its_plan(
    promised: date | None, delivered: date | None, today: date, late: bool
) -> None:
    order = make_order()._replace(promised_on=promised, delivered_on=delivered)
    assert order.is_late(today) is late
    assert not order._replace(status="cancelled").is_late(today)


def test_a_newer_export_ends_an_order_and_changes_no_hands() -> None:
    order = hold_stage(work_off_stages(make_order(), "offer"), "design")
    done = amend_order(order, make_request(value=Decimal("99"), delivered_on=TODAY), TODAY)
    assert (done.status, done.value, done.version) == ("delivered", Decimal("99"), order.version + 1)
    assert [stage.employee_id for stage in done.stages] == ["a", "b", "c"]
    assert list_statuses(done) == ["completed"] * 3
    cancelled = amend_order(order, make_request(cancelled_on=TODAY), TODAY)
    assert (cancelled.status, list_statuses(cancelled)) == ("cancelled", ["completed", "ready", "waiting"])
    assert amend_order(done, make_request(cancelled_on=TODAY), TODAY).status == "delivered"


def test_what_a_rehired_person_had_goes_to_who_stood_in_or_waits() -> None:
    order = hold_stage(make_order(), "offer")
    assert give_stages_to_stand_in(order, "a", "s", {"sales"}).stages[0].employee_id == "s"
    assert give_stages_to_stand_in(order, "a", "s", {"sales"}).stages[0].status == "ready"
    assert give_stages_to_stand_in(order, "a", "s", {"delivery"}).stages[0].employee_id is None
    assert give_stages_to_stand_in(order, "a", "c", {"sales"}).stages[0].employee_id is None
    assert give_stages_to_stand_in(order, "a", None, set()).stages[0].employee_id is None
    assert give_stages_to_stand_in(order, "a", "s", {"sales"}).version == order.version + 1


def test_separation_is_known_from_both_sides() -> None:
    assert FLOW.apart == {"offer": ("install",), "design": (), "install": ("offer",)}


@pytest.mark.parametrize("pair", [("offer", "offer"), ("offer", "nonsense"), ("nonsense", "offer")])
def test_a_flow_separates_two_stages_of_its_own(pair: tuple[str, str]) -> None:
    with pytest.raises(SeparatesUnknownStages):
        build_flow("f", 1, "Flow", STAGES, [pair])


def test_stages_of_a_flow_have_names_of_their_own() -> None:
    with pytest.raises(StagesNamedTwice):
        build_flow("f", 1, "Flow", [STAGES[0], STAGES[0]], [])
