"""Departures that are taken back: withdrawn, made by mistake, followed by a rehire."""

from tests.stories.company import OWNERS, day
from tests.stories.hands import (
    approve,
    case_of,
    cases_of,
    hands_of,
    hris,
    introduce,
    introductions,
    may,
    owners,
    resigns,
    work_off,
)
from tests.stories.ways import Watched, three_ways

ANNAS = [client for client, owner in OWNERS.items() if owner == "anna"]


@three_ways()
async def test_a_withdrawn_resignation_undoes_what_no_client_has_confirmed_and_unfreezes_last(house: Watched) -> None:
    await resigns(house, "anna")
    await house.settle()
    await approve(house, "anna")
    await house.settle()
    confirmed, *_ = await introductions(house, "anna")
    await introduce(house, confirmed)
    await house.settle()

    await hris(house, "resignation.withdrawn", "anna")
    await house.settle()
    (case,) = await cases_of(house, "anna")
    assert case["status"] == "cancelled"
    held = await owners(house)
    assert held[confirmed["client_id"]] == confirmed["to_id"]
    assert {held[client] for client in ANNAS if client != confirmed["client_id"]} == {"anna"}
    assert await may(house, "anna", "c-5" if confirmed["client_id"] != "c-5" else "c-4") == "owner"
    undone = await house.sent("clients")
    unfrozen = [place for place, one in enumerate(undone) if one.data.type == "access.unfrozen"]
    returned = [place for place, one in enumerate(undone) if getattr(one.data, "kind", None) == "returned"]
    assert max(returned) < min(unfrozen)


@three_ways()
async def test_resigned_withdrawn_and_resigned_again_is_a_second_case(house: Watched) -> None:
    await resigns(house, "anna")
    await hris(house, "resignation.withdrawn", "anna")
    await resigns(house, "anna", last_day=30)
    await house.settle()
    assert await may(house, "anna", "c-1") == "frozen"
    await approve(house, "anna")
    await house.settle()
    first, second = sorted(await cases_of(house, "anna"), key=lambda case: case["status"])
    assert (first["status"], second["status"]) == ("cancelled", "open")
    assert "anna" not in (await owners(house)).values()


@three_ways()
async def test_a_departure_by_mistake_is_reversed_and_the_same_employment_goes_on(house: Watched) -> None:
    before = (await house.ok(("hr", "h"), "GET", "/staff/v1/employees/anna"))["employment_id"]
    await hris(house, "employee.left", "anna", on=str(day(0)))
    await house.settle()
    await approve(house, "anna")
    await house.settle()
    assert "anna" not in (await owners(house)).values()

    await hris(house, "departure.reversed", "anna", reason="It was another Anna.")
    await house.settle()
    assert (await house.ok(("hr", "h"), "GET", "/staff/v1/employees/anna"))["employment_id"] == before
    assert await hands_of(house, ANNAS) == {"anna"}
    assert await may(house, "anna", "c-1") == "owner"
    assert (await case_of(house, "anna"))["status"] == "cancelled"


@three_ways()
async def test_a_rehire_opens_a_new_employment_and_restores_nothing(house: Watched) -> None:
    await hris(house, "employee.left", "anna", on=str(day(0)))
    await house.settle()
    house.clock.move(days=3)
    await hris(house, "employee.rehired", "anna", hired_on=str(day(3)))
    await house.settle()

    assert len((await house.ok(("hr", "h"), "GET", "/staff/v1/employees/anna/employments"))["items"]) == 2
    assert "anna" not in (await owners(house)).values()
    assert not await house.rows("clients", "SELECT 1 FROM clients WHERE owner_id = 'anna'")
    assert await may(house, "anna", "c-1", "edit") in ("no_relation", "action_not_allowed")
    new = {"id": "c-new", "name": "A new client", "owner_id": "anna", "contacts": [], "team": {}}
    await house.ok("service", "POST", "/clients/v1/clients", json=new)
    assert await may(house, "anna", "c-new") == "owner"
    await house.settle()
    await approve(house, "anna")
    await house.settle()
    await work_off(house, "anna")
    await house.settle()
    assert (await owners(house))["c-new"] == "anna"
    assert await may(house, "anna", "c-new") == "owner"
