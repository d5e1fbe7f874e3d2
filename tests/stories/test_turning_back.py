"""Departures that are taken back: withdrawn, made by mistake, followed by a rehire."""

from tests.stories.actions import (
    approve_plan,
    carry_out_introductions,
    check_access,
    complete_tasks,
    get_case,
    get_owners,
    list_cases,
    list_introductions,
    list_owners,
    resign,
    send_hris_message,
)
from tests.stories.company import OWNERS, get_day
from tests.stories.three_ways import WatchedHouse, run_three_ways

ANNAS = [client for client, owner in OWNERS.items() if owner == "anna"]


@run_three_ways()
async def test_a_withdrawn_resignation_undoes_what_no_client_has_confirmed_and_unfreezes_last(
    house: WatchedHouse,
) -> None:
    await resign(house, "anna")
    await house.settle()
    await approve_plan(house, "anna")
    await house.settle()
    confirmed, *_ = await list_introductions(house, "anna")
    await carry_out_introductions(house, confirmed)
    await house.settle()

    await send_hris_message(house, "resignation.withdrawn", "anna")
    await house.settle()
    (case,) = await list_cases(house, "anna")
    assert case["status"] == "cancelled"
    held = await get_owners(house)
    assert held[confirmed["client_id"]] == confirmed["to_id"]
    assert {held[client] for client in ANNAS if client != confirmed["client_id"]} == {"anna"}
    assert await check_access(house, "anna", "c-5" if confirmed["client_id"] != "c-5" else "c-4") == "owner"
    undone = await house.sent("clients")
    unfrozen = [place for place, one in enumerate(undone) if one.data.type == "access.unfrozen"]
    returned = [place for place, one in enumerate(undone) if getattr(one.data, "kind", None) == "returned"]
    assert max(returned) < min(unfrozen)


@run_three_ways()
async def test_resigned_withdrawn_and_resigned_again_is_a_second_case(house: WatchedHouse) -> None:
    await resign(house, "anna")
    await send_hris_message(house, "resignation.withdrawn", "anna")
    await resign(house, "anna", last_day=30)
    await house.settle()
    assert await check_access(house, "anna", "c-1") == "frozen"
    await approve_plan(house, "anna")
    await house.settle()
    first, second = sorted(await list_cases(house, "anna"), key=lambda case: case["status"])
    assert (first["status"], second["status"]) == ("cancelled", "open")
    assert "anna" not in (await get_owners(house)).values()


@run_three_ways()
async def test_a_departure_by_mistake_is_reversed_and_the_same_employment_goes_on(house: WatchedHouse) -> None:
    before = (await house.ok(("hr", "h"), "GET", "/staff/v1/employees/anna"))["employment_id"]
    await send_hris_message(house, "employee.left", "anna", on=str(get_day(0)))
    await house.settle()
    await approve_plan(house, "anna")
    await house.settle()
    assert "anna" not in (await get_owners(house)).values()

    await send_hris_message(house, "departure.reversed", "anna", reason="It was another Anna.")
    await house.settle()
    assert (await house.ok(("hr", "h"), "GET", "/staff/v1/employees/anna"))["employment_id"] == before
    assert await list_owners(house, ANNAS) == {"anna"}
    assert await check_access(house, "anna", "c-1") == "owner"
    assert (await get_case(house, "anna"))["status"] == "cancelled"


@run_three_ways()
async def test_a_rehire_opens_a_new_employment_and_restores_nothing(house: WatchedHouse) -> None:
    await send_hris_message(house, "employee.left", "anna", on=str(get_day(0)))
    await house.settle()
    house.clock.move(days=3)
    await send_hris_message(house, "employee.rehired", "anna", hired_on=str(get_day(3)))
    await house.settle()

    assert len((await house.ok(("hr", "h"), "GET", "/staff/v1/employees/anna/employments"))["items"]) == 2
    assert "anna" not in (await get_owners(house)).values()
    assert not await house.rows("clients", "SELECT 1 FROM clients WHERE owner_id = 'anna'")
    assert await check_access(house, "anna", "c-1", "edit") in ("no_relation", "action_not_allowed")
    new = {"id": "c-new", "name": "A new client", "owner_id": "anna", "contacts": [], "team": {}}
    await house.ok("service", "POST", "/clients/v1/clients", json=new)
    assert await check_access(house, "anna", "c-new") == "owner"
    await house.settle()
    await approve_plan(house, "anna")
    await house.settle()
    await complete_tasks(house, "anna")
    await house.settle()
    assert (await get_owners(house))["c-new"] == "anna"
    assert await check_access(house, "anna", "c-new") == "owner"
