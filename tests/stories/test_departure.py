"""Whole departures, from the word of the HRIS to the certificate."""

from tests.stories.actions import (
    approve_plan,
    carry_out_introductions,
    check_access,
    complete_tasks,
    get_case,
    get_certificate,
    get_owners,
    get_steps,
    list_introductions,
    list_owners,
    record_visit_outcomes,
    resign,
    send_hris_message,
)
from tests.stories.company import OWNERS, get_day
from tests.stories.three_ways import WatchedHouse, run_three_ways

ANNAS = [client for client, owner in OWNERS.items() if owner == "anna"]


@run_three_ways()
async def test_a_salesperson_who_resigns_hands_over_every_client_before_the_last_day(house: WatchedHouse) -> None:
    assert await check_access(house, "anna", "c-1") == "owner"
    await resign(house, "anna")
    await house.settle()

    assert await check_access(house, "anna", "c-1") == "frozen"
    assert await check_access(house, "ben", "c-1") == "caretaker"
    assert await list_owners(house, ANNAS) == {"ben"}
    assert (await get_steps(house, "anna"))["plan"] == "waiting"

    plan = await approve_plan(house, "anna")
    await house.settle()
    assert {item["client_id"] for item in plan["items"]} == set(ANNAS)
    planned = {item["client_id"]: item["to_id"] for item in plan["items"]}
    assert await get_owners(house, ANNAS) == planned

    await carry_out_introductions(house, *await list_introductions(house, "anna"))
    await complete_tasks(house, "anna")
    await record_visit_outcomes(house, "anna")
    await house.settle()
    assert (await get_steps(house, "anna"))["hand_over"] == "done"

    house.clock.move(days=15)
    await house.settle()
    assert (await get_case(house, "anna"))["status"] == "cleared"
    assert await check_access(house, "anna", "c-1") == "not_employed"
    assert (await get_certificate(house, "anna"))["employee_id"] == "anna"


@run_three_ways()
async def test_who_is_dismissed_without_notice_is_out_at_once_and_others_finish_the_handover(
    house: WatchedHouse,
) -> None:
    await send_hris_message(house, "employee.left", "anna", on=str(get_day(0)))
    await house.settle()

    assert await check_access(house, "anna", "c-1") == "not_employed"
    assert await list_owners(house, ANNAS) == {"ben"}
    await approve_plan(house, "anna")
    await house.settle()
    await complete_tasks(house, "anna")
    await house.settle()
    assert (await get_case(house, "anna"))["status"] == "cleared"
    assert "anna" not in (await get_owners(house)).values()


@run_three_ways()
async def test_a_changed_last_day_moves_the_end_of_the_case_and_nothing_else(house: WatchedHouse) -> None:
    await resign(house, "anna", last_day=3)
    await house.settle()
    await send_hris_message(house, "resignation.changed", "anna", last_day=str(get_day(20)))
    await house.settle()

    house.clock.move(days=5)
    await house.settle()
    case = await get_case(house, "anna")
    assert case["last_day"] == str(get_day(20))
    assert case["status"] == "open"
    assert await check_access(house, "anna", "c-1") == "frozen"

    await send_hris_message(house, "resignation.changed", "anna", last_day=str(get_day(8)))
    await approve_plan(house, "anna")
    await house.settle()
    house.clock.move(days=5)
    await house.settle()
    assert await check_access(house, "anna", "c-1") == "not_employed"
    await complete_tasks(house, "anna")
    await house.settle()
    assert (await get_case(house, "anna"))["status"] == "cleared"


@run_three_ways()
async def test_while_offboarding_is_down_clients_and_stages_freeze_all_the_same(house: WatchedHouse) -> None:
    house.down = {"offboarding"}
    await resign(house, "anna")
    await house.settle()

    assert await check_access(house, "anna", "c-1") == "frozen"
    assert await list_owners(house, ANNAS) == {"ben"}
    stages = await house.rows("orders", "SELECT status FROM stages WHERE employee_id = 'anna' AND open")
    assert {stage["status"] for stage in stages} == {"held"}
    assert not await house.rows("offboarding", "SELECT * FROM cases")

    house.down = set()
    await house.settle()
    await approve_plan(house, "anna")
    await house.settle()
    await complete_tasks(house, "anna")
    house.clock.move(days=15)
    await house.settle()
    await complete_tasks(house, "anna")
    await house.settle()
    assert (await get_case(house, "anna"))["status"] == "cleared"
