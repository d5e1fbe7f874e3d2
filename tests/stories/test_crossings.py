"""Departures that cross each other, and clients that come in between."""

from tests.stories.actions import (
    approve_plan,
    check_access,
    complete_tasks,
    get_case,
    get_owners,
    get_steps,
    list_owners,
    make_new_plan,
    resign,
)
from tests.stories.company import OWNERS, register_client
from tests.stories.three_ways import WatchedHouse, run_three_ways

OF = {owner: [client for client, of in OWNERS.items() if of == owner] for owner in ("anna", "ben")}


@run_three_ways()
async def test_two_leavers_who_are_each_others_deputies_leave_nobody_without_an_owner(house: WatchedHouse) -> None:
    await resign(house, "anna")
    await resign(house, "ben")
    await house.settle()

    held = await get_owners(house)
    assert {held[client] for client in (*OF["anna"], *OF["ben"])} == {"hana"}
    for leaver in ("anna", "ben"):
        await approve_plan(house, leaver)
        await house.settle()
    held = await get_owners(house)
    assert not {"anna", "ben"} & set(held.values())
    assert not await house.rows("orders", "SELECT 1 FROM stages WHERE open AND employee_id IN ('anna', 'ben')")
    assert (await get_steps(house, "anna"))["transfer"] == (await get_steps(house, "ben"))["transfer"] == "done"


@run_three_ways()
async def test_when_the_caretaker_leaves_too_everything_passes_to_the_next_one_and_cases_do_not_mix(
    house: WatchedHouse,
) -> None:
    await resign(house, "anna")
    await house.settle()
    assert await list_owners(house, OF["anna"]) == {"ben"}

    await resign(house, "ben")
    await house.settle()
    assert await list_owners(house, (*OF["anna"], *OF["ben"])) == {"hana"}

    bens = await approve_plan(house, "ben")
    assert {item["client_id"] for item in bens["items"]} == set(OF["ben"])
    await house.settle()
    house.clock.move(days=15)
    await house.settle()
    await make_new_plan(house, "anna")  # ben was to take over some of hers
    annas = await approve_plan(house, "anna")
    assert {item["client_id"] for item in annas["items"]} == set(OF["anna"])
    await house.settle()
    for leaver in ("anna", "ben"):
        await complete_tasks(house, leaver)
    await house.settle()
    assert [(await get_case(house, leaver))["status"] for leaver in ("anna", "ben")] == ["cleared", "cleared"]


@run_three_ways()
async def test_a_client_created_for_somebody_in_the_instant_of_their_freeze_is_in_safe_hands(
    house: WatchedHouse,
) -> None:
    await resign(house, "anna")
    await register_client(house, "c-between", "anna")  # `staff` knows, `clients` has not heard yet
    await house.settle()

    assert (await get_owners(house))["c-between"] == "ben"
    assert await check_access(house, "anna", "c-between") == "frozen"
    late = {"id": "c-late", "name": "Too late", "owner_id": "anna", "contacts": [], "team": {}}
    refused = await house.call("service", "POST", "/clients/v1/clients", json=late)
    assert refused.status_code == 409
    plan = await approve_plan(house, "anna")
    assert "c-between" in {item["client_id"] for item in plan["items"]}
    await house.settle()
    assert (await get_owners(house))["c-between"] != "anna"
