"""Whole departures, from the word of the HRIS to the certificate."""

from tests.stories.company import OWNERS, day
from tests.stories.hands import (
    approve,
    case_of,
    certificate,
    hands_of,
    hris,
    introduce,
    introductions,
    may,
    owners,
    resigns,
    steps_of,
    visit_all,
    work_off,
)
from tests.stories.ways import Watched, three_ways

ANNAS = [client for client, owner in OWNERS.items() if owner == "anna"]


@three_ways()
async def test_a_salesperson_who_resigns_hands_over_every_client_before_the_last_day(house: Watched) -> None:
    assert await may(house, "anna", "c-1") == "owner"
    await resigns(house, "anna")
    await house.settle()

    assert await may(house, "anna", "c-1") == "frozen"
    assert await may(house, "ben", "c-1") == "caretaker"
    assert await hands_of(house, ANNAS) == {"ben"}
    assert (await steps_of(house, "anna"))["plan"] == "waiting"

    plan = await approve(house, "anna")
    await house.settle()
    assert {item["client_id"] for item in plan["items"]} == set(ANNAS)
    planned = {item["client_id"]: item["to_id"] for item in plan["items"]}
    assert await owners(house, ANNAS) == planned

    await introduce(house, *await introductions(house, "anna"))
    await work_off(house, "anna")
    await visit_all(house, "anna")
    await house.settle()
    assert (await steps_of(house, "anna"))["hand_over"] == "done"

    house.clock.move(days=15)
    await house.settle()
    assert (await case_of(house, "anna"))["status"] == "cleared"
    assert await may(house, "anna", "c-1") == "not_employed"
    assert (await certificate(house, "anna"))["employee_id"] == "anna"


@three_ways()
async def test_who_is_dismissed_without_notice_is_out_at_once_and_others_finish_the_handover(house: Watched) -> None:
    await hris(house, "employee.left", "anna", on=str(day(0)))
    await house.settle()

    assert await may(house, "anna", "c-1") == "not_employed"
    assert await hands_of(house, ANNAS) == {"ben"}
    await approve(house, "anna")
    await house.settle()
    await work_off(house, "anna")
    await house.settle()
    assert (await case_of(house, "anna"))["status"] == "cleared"
    assert "anna" not in (await owners(house)).values()


@three_ways()
async def test_a_changed_last_day_moves_the_end_of_the_case_and_nothing_else(house: Watched) -> None:
    await resigns(house, "anna", last_day=3)
    await house.settle()
    await hris(house, "resignation.changed", "anna", last_day=str(day(20)))
    await house.settle()

    house.clock.move(days=5)
    await house.settle()
    case = await case_of(house, "anna")
    assert case["last_day"] == str(day(20))
    assert case["status"] == "open"
    assert await may(house, "anna", "c-1") == "frozen"

    await hris(house, "resignation.changed", "anna", last_day=str(day(8)))
    await approve(house, "anna")
    await house.settle()
    house.clock.move(days=5)
    await house.settle()
    assert await may(house, "anna", "c-1") == "not_employed"
    await work_off(house, "anna")
    await house.settle()
    assert (await case_of(house, "anna"))["status"] == "cleared"


@three_ways()
async def test_while_offboarding_is_down_clients_and_stages_freeze_all_the_same(house: Watched) -> None:
    house.down = {"offboarding"}
    await resigns(house, "anna")
    await house.settle()

    assert await may(house, "anna", "c-1") == "frozen"
    assert await hands_of(house, ANNAS) == {"ben"}
    stages = await house.rows("orders", "SELECT status FROM stages WHERE employee_id = 'anna' AND open")
    assert {stage["status"] for stage in stages} == {"held"}
    assert not await house.rows("offboarding", "SELECT * FROM cases")

    house.down = set()
    await house.settle()
    await approve(house, "anna")
    await house.settle()
    await work_off(house, "anna")
    house.clock.move(days=15)
    await house.settle()
    await work_off(house, "anna")
    await house.settle()
    assert (await case_of(house, "anna"))["status"] == "cleared"
