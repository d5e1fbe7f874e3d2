"""Departures that cross each other, and clients that come in between."""

from tests.stories.company import OWNERS, register
from tests.stories.hands import approve, case_of, hands_of, may, owners, plan_again, resigns, steps_of, work_off
from tests.stories.ways import Watched, three_ways

OF = {owner: [client for client, of in OWNERS.items() if of == owner] for owner in ("anna", "ben")}


@three_ways()
async def test_two_leavers_who_are_each_others_deputies_leave_nobody_without_an_owner(house: Watched) -> None:
    await resigns(house, "anna")
    await resigns(house, "ben")
    await house.settle()

    held = await owners(house)
    assert {held[client] for client in (*OF["anna"], *OF["ben"])} == {"hana"}
    for leaver in ("anna", "ben"):
        await approve(house, leaver)
        await house.settle()
    held = await owners(house)
    assert not {"anna", "ben"} & set(held.values())
    assert not await house.rows("orders", "SELECT 1 FROM stages WHERE open AND employee_id IN ('anna', 'ben')")
    assert (await steps_of(house, "anna"))["transfer"] == (await steps_of(house, "ben"))["transfer"] == "done"


@three_ways()
async def test_when_the_caretaker_leaves_too_everything_passes_to_the_next_one_and_cases_do_not_mix(
    house: Watched,
) -> None:
    await resigns(house, "anna")
    await house.settle()
    assert await hands_of(house, OF["anna"]) == {"ben"}

    await resigns(house, "ben")
    await house.settle()
    assert await hands_of(house, (*OF["anna"], *OF["ben"])) == {"hana"}

    bens = await approve(house, "ben")
    assert {item["client_id"] for item in bens["items"]} == set(OF["ben"])
    await house.settle()
    house.clock.move(days=15)
    await house.settle()
    await plan_again(house, "anna")  # ben was to take over some of hers
    annas = await approve(house, "anna")
    assert {item["client_id"] for item in annas["items"]} == set(OF["anna"])
    await house.settle()
    for leaver in ("anna", "ben"):
        await work_off(house, leaver)
    await house.settle()
    assert [(await case_of(house, leaver))["status"] for leaver in ("anna", "ben")] == ["cleared", "cleared"]


@three_ways()
async def test_a_client_created_for_somebody_in_the_instant_of_their_freeze_is_in_safe_hands(house: Watched) -> None:
    await resigns(house, "anna")
    await register(house, "c-between", "anna")  # `staff` knows, `clients` has not heard yet
    await house.settle()

    assert (await owners(house))["c-between"] == "ben"
    assert await may(house, "anna", "c-between") == "frozen"
    late = {"id": "c-late", "name": "Too late", "owner_id": "anna", "contacts": [], "team": {}}
    refused = await house.call("service", "POST", "/clients/v1/clients", json=late)
    assert refused.status_code == 409
    plan = await approve(house, "anna")
    assert "c-between" in {item["client_id"] for item in plan["items"]}
    await house.settle()
    assert (await owners(house))["c-between"] != "anna"
