"""protocols.md: news of the HRIS, the brake, and the two clocks of a case."""

from datetime import timedelta

from tests.stories.actions import (
    HEAD,
    HR,
    approve_plan,
    check_access,
    get_case,
    get_owners,
    get_steps,
    list_cases,
    list_open_tasks,
    resign,
    send_hris_message,
)
from tests.stories.company import get_day
from tests.stories.three_ways import WatchedHouse


async def test_newest_word_wins_when_a_withdrawal_overtakes_the_resignation(house: WatchedHouse) -> None:
    said = house.clock()
    await send_hris_message(house, "resignation.withdrawn", "anna", at=said)
    dates = {"notice_on": str(get_day(0)), "last_day": str(get_day(14))}
    await send_hris_message(house, "employee.resigned", "anna", at=said - timedelta(minutes=1), **dates)
    await house.settle()
    assert await check_access(house, "anna", "c-1") == "owner"
    assert await check_access(house, "ben", "c-1") == "no_relation"
    assert {case["status"] for case in await list_cases(house, "anna")} <= {"cancelled"}


async def test_newest_word_wins_for_each_attribute_by_itself_in_every_service(house: WatchedHouse) -> None:
    said = house.clock()
    await send_hris_message(house, "employee.updated", "anna", at=said, department_id="works")
    await send_hris_message(
        house, "employee.updated", "anna", at=said - timedelta(minutes=2), department_id="firm", regions=["ch"]
    )
    await resign(house, "anna")
    await house.settle()
    for service in ("clients", "orders", "offboarding"):
        (copy,) = await house.rows(service, "SELECT * FROM people WHERE employee_id = 'anna'")
        assert (copy["department_id"], copy["regions"], copy["status"]) == ("works", ["ch"], "resigned")


async def test_more_departures_than_the_brake_allows_are_held_until_a_person_confirms_or_rejects(
    house: WatchedHouse,
) -> None:
    for who in ("anna", "ben", "fred", "gita", "cleo"):
        await resign(house, who)
    await house.settle()
    held = (await house.ok(HR, "GET", "/staff/v1/hris/holds"))["items"]
    assert [hold["employee_id"] for hold in held if hold["state"] == "held"] == ["gita", "cleo"]
    assert await check_access(house, "cleo", "c-9") == "owner"
    assert not await list_cases(house, "cleo")

    by_name = {hold["employee_id"]: hold["id"] for hold in held}
    await house.ok(HR, "POST", f"/staff/v1/hris/holds/{by_name['cleo']}/confirm")
    await house.ok(HR, "POST", f"/staff/v1/hris/holds/{by_name['gita']}/reject")
    await house.settle()
    assert await check_access(house, "cleo", "c-9") == "frozen"
    assert len(await list_cases(house, "cleo")) == 1
    assert not await list_cases(house, "gita")
    assert not await house.scalar("orders", "SELECT frozen FROM people WHERE employee_id = 'gita'")


async def test_the_day_after_the_last_day_staff_itself_says_that_the_person_left(house: WatchedHouse) -> None:
    await resign(house, "anna", last_day=2)
    await house.settle()
    house.clock.move(days=2)
    await house.settle()
    assert await house.scalar("clients", "SELECT status FROM people WHERE employee_id = 'anna'") == "resigned"
    house.clock.move(days=1)
    await house.settle()
    assert await house.scalar("clients", "SELECT status FROM people WHERE employee_id = 'anna'") == "left"
    assert len([one for one in await house.sent("staff", "employee.left") if one.data.employee_id == "anna"]) == 1


async def test_what_needs_no_successor_opens_with_the_freeze_and_the_rest_after_the_transfer(
    house: WatchedHouse,
) -> None:
    await resign(house, "anna")
    await house.settle()
    case = (await get_case(house, "anna"))["id"]
    before = {task["kind"] for task in await list_open_tasks(house, case)}
    assert before == {"successful_actions", "documents", "undertaking", "team_meeting"}
    await approve_plan(house, "anna")
    await house.settle()
    assert {task["kind"] for task in await list_open_tasks(house, case)} == before | {"training"}


async def test_the_last_day_ends_only_the_leavers_part_and_plan_and_transfer_go_on(house: WatchedHouse) -> None:
    await resign(house, "anna", last_day=2)
    house.clock.move(days=4)
    await house.settle()
    case = await get_case(house, "anna")
    assert (case["status"], (await get_steps(house, "anna"))["plan"]) == ("open", "waiting")
    assert "anna" not in {task["assignee_id"] for task in await list_open_tasks(house, case["id"])}
    await approve_plan(house, "anna")
    await house.settle()
    assert (await get_steps(house, "anna"))["transfer"] == "done"
    visits = await house.ok(HEAD, "GET", f"/offboarding/v1/visits?case_id={case['id']}")
    assert {visit["client_id"] for visit in visits["items"]} == {f"c-{number}" for number in range(1, 6)}
    assert "anna" not in (await get_owners(house)).values()


async def test_a_plan_of_an_older_version_is_not_approved(house: WatchedHouse) -> None:
    await resign(house, "anna")
    await house.settle()
    case = (await get_case(house, "anna"))["id"]
    refused = await house.call(
        HEAD, "POST", f"/offboarding/v1/cases/{case}/plan/approval", json={"version": 7, "edits": []}
    )
    assert refused.status_code == 409
    assert (await get_steps(house, "anna"))["plan"] == "waiting"
