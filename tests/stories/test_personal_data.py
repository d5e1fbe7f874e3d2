"""The right to know: what is kept of a person, gathered from all services, and who is told what."""

from typing import Any

from tests.stories.actions import HR, as_employee, resign
from tests.stories.test_erasure import SECRET, depart, entries, live
from tests.stories.three_ways import WatchedHouse

S = "/staff/v1/employees"


async def asked(house: WatchedHouse, who: Any, whom: str = "anna") -> Any:
    return await house.ok(who, "GET", f"{S}/{whom}/personal-data")


async def test_a_person_learns_what_every_service_keeps_of_them(house: WatchedHouse) -> None:
    await live(house)
    kept = await asked(house, as_employee("anna"))
    assert kept["missing"] == []
    assert (kept["staff"]["profile"]["name"], kept["staff"]["profile"]["email"]) == (
        f"Anna {SECRET}",
        f"{SECRET}@example.com",
    )
    assert kept["clients"]["clients"]["client_ids"] == ["c-1", "c-2", "c-3", "c-4"]
    assert kept["clients"]["clients"]["ever_owner_of"] == 5
    assert [kept["clients"][kind]["number"] for kind in ("interactions", "feedback", "usage")] == [1, 1, 1]
    assert [freeze["kind"] for freeze in kept["clients"]["freezes"]] == ["emergency"]
    assert kept["clients"]["journal"]["number"] > 0
    assert (kept["clients"]["export_grants"], kept["clients"]["liftings"]["number"]) == ([], 0)
    assert kept["orders"]["stages"]["open"] >= 0
    assert kept["offboarding"]["cases"] == []


async def test_who_is_leaving_and_hr_get_numbers_instead_of_clients(house: WatchedHouse) -> None:
    await live(house)
    await resign(house, "anna")
    await house.settle()
    for who in (as_employee("anna"), HR):
        kept = await asked(house, who)
        assert kept["clients"]["clients"]["client_ids"] is None
        assert kept["clients"]["clients"]["owner_of"] == 4
        assert "'c-1'" not in str(kept)
        assert [case["status"] for case in kept["offboarding"]["cases"]] == ["open"]


async def test_every_look_is_in_the_journal(house: WatchedHouse) -> None:
    await asked(house, HR)
    await house.settle()
    looks = [entry for entry in await entries(house, employee_id="anna") if entry["kind"] == "personal_data.read"]
    assert {(entry["actor_id"], entry["details"]["service"]) for entry in looks} >= {(HR[1], "staff")}
    assert sorted(entry["details"]["service"] for entry in looks) == ["clients", "offboarding", "orders", "staff"]


async def test_nobody_else_is_told(house: WatchedHouse) -> None:
    for role in ("director", "sales_head", "ops", "service", "auditor", "employee"):
        answer = await house.call((role, "ben"), "GET", f"{S}/anna/personal-data")
        assert answer.status_code == 404, role
        if role != "service":
            answer = await house.call((role, "ben"), "GET", "/clients/v1/personal-data/anna")
            assert answer.status_code == 403, role
    assert (await house.call(HR, "GET", f"{S}/nobody/personal-data")).status_code == 404


async def test_a_service_that_does_not_answer_is_named(house: WatchedHouse) -> None:
    del house.embedded.front.apps["orders"]
    kept = await asked(house, HR)
    assert (kept["missing"], kept["orders"]) == (["orders"], None)
    assert kept["clients"] is not None


async def test_after_an_erasure_only_ids_and_numbers_are_left_to_know(house: WatchedHouse) -> None:
    await live(house)
    await depart(house)
    assert SECRET in str(await asked(house, HR))
    await house.ok(HR, "POST", f"{S}/anna/erase", json={"reason": "request 17"})
    await house.settle()
    kept = await asked(house, HR)
    assert SECRET not in str(kept)
    assert kept["offboarding"]["proofs"] == []
    assert kept["clients"]["clients"]["ever_owner_of"] == 5
