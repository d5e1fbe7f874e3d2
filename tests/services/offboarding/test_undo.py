"""A withdrawn resignation, a departure that was a mistake, and what comes after."""

from typing import Any

from tests.services.offboarding.company import (
    HEAD,
    approve,
    case_of,
    company,
    do_tasks,
    introduce,
    leave,
    listed,
    resign,
    steps,
)
from tests.support.house import House


async def withdraw(house: House) -> dict[str, Any]:
    await house.ok("hr", "DELETE", "/staff/v1/employees/nora/resignation")
    await house.settle()
    return await case_of(house)


async def owners(house: House) -> set[tuple[str, str]]:
    rows = await house.rows("clients", "SELECT client_id, owner_id FROM clients")
    return {(row["client_id"], row["owner_id"]) for row in rows}


async def frozen(house: House, service: str) -> bool:
    return bool(await house.scalar(service, "SELECT frozen FROM people WHERE employee_id = 'nora'"))


async def test_a_withdrawal_before_the_approval_unfreezes_and_cancels() -> None:
    async with company() as house:
        await resign(house)
        case = await withdraw(house)
        assert case["status"] == "cancelled"
        assert steps(case)["freeze"] == "undone"
        assert case["waiting_for"] == []
        for service in ("clients", "orders", "offboarding"):
            assert not await frozen(house, service)
        assert {task["status"] for task in await listed(house, f"tasks?case_id={case['id']}")} == {"cancelled"}
        assert {visit["status"] for visit in await listed(house, f"visits?case_id={case['id']}")} == {"cancelled"}


async def test_a_withdrawal_gives_back_what_no_client_has_confirmed_and_lists_what_stays() -> None:
    async with company() as house:
        case = await approve(house, await resign(house))
        introductions = await listed(house, f"cases/{case['id']}/introductions")
        one = next(one for one in introductions if one["client_id"] == "c-2")
        leaver, successor = ("employee", one["from_id"]), ("employee", one["to_id"])
        for who, verb in ((successor, "accept"), (leaver, "brief"), (leaver, "introduce"), (successor, "confirm")):
            await house.ok(who, "POST", f"/offboarding/v1/introductions/{one['id']}/{verb}", json={})
        await house.settle()
        case = await withdraw(house)
        assert case["status"] == "cancelled"
        assert case["stayed"] == [one["client_id"]]
        now = await owners(house)
        assert (one["client_id"], one["to_id"]) in now
        assert {owner for client, owner in now if client != one["client_id"]} == {"nora"}
        assert not await frozen(house, "clients")
        assert await house.scalar("orders", "SELECT employee_id FROM stages WHERE name = 'placement'") == "nora"


async def test_a_client_that_has_moved_on_since_stays_where_it_is() -> None:
    async with company() as house:
        case = await approve(house, await resign(house))
        holder = dict(await owners(house))["c-1"]
        other = "petra" if holder == "otto" else "otto"
        move = {"items": [{"client_id": "c-1", "from_id": holder, "to_id": other}], "reason": "closer"}
        await house.ok("director", "POST", "/clients/v1/transfers", json=move)
        await house.settle()
        moved = [one for one in await listed(house, f"cases/{case['id']}/introductions") if one["client_id"] == "c-1"]
        assert [(one["to_id"], one["status"]) for one in moved] == [(other, "proposed")]
        case = await withdraw(house)
        assert case["status"] == "cancelled"
        assert case["stayed"] == ["c-1"]
        assert ("c-1", other) in await owners(house)


async def test_resigned_withdrawn_and_resigned_again_is_a_second_case_begun_when_the_first_is_undone() -> None:
    async with company() as house:
        first = await resign(house)
        await house.ok("hr", "DELETE", "/staff/v1/employees/nora/resignation")
        last_day = house.clock.day(20).isoformat()
        await house.ok("hr", "POST", "/staff/v1/employees/nora/resignation", json={"last_day": last_day})
        await house.settle()
        cases = {case["id"]: case for case in await listed(house, "cases?employee_id=nora", "hr")}
        assert len(cases) == 2
        assert cases.pop(first["id"])["status"] == "cancelled"
        (second,) = cases.values()
        assert (second["status"], second["last_day"], steps(second)["plan"]) == ("open", last_day, "waiting")
        assert await frozen(house, "clients")


async def test_a_departure_that_was_a_mistake_is_undone_like_a_withdrawal() -> None:
    async with company() as house:
        case = await leave(house)
        assert case["status"] == "open"
        await approve(house, case)
        await house.ok("hr", "POST", "/staff/v1/employees/nora/departure/reversal", json={"reason": "wrong person"})
        await house.settle()
        case = await case_of(house)
        assert case["status"] == "cancelled"
        assert {owner for _, owner in await owners(house)} == {"nora"}
        assert not await frozen(house, "clients")


async def test_past_clear_a_reversal_needs_a_person_who_may_lift_the_freeze() -> None:
    async with company() as house:
        case = await approve(house, await resign(house))
        await do_tasks(house, case)
        await introduce(house, case)
        case = await leave(house)
        assert case["status"] == "cleared"
        await house.ok("hr", "POST", "/staff/v1/employees/nora/departure/reversal", json={"reason": "wrong person"})
        await house.settle()
        case = await case_of(house)
        assert case["status"] == "needs_person"
        assert [(one["what"], one["who_id"]) for one in case["waiting_for"]][-1] == ("undo_refused", "hanna")
        assert await frozen(house, "clients")
        await house.ok(HEAD, "POST", f"/offboarding/v1/cases/{case['id']}/retry", json={})
        await house.settle()
        case = await case_of(house)
        assert case["status"] == "cleared"
        assert not await frozen(house, "clients")
        assert not await frozen(house, "orders")
        assert "nora" not in {owner for _, owner in await owners(house)}


async def test_withdrawn_twice_before_the_first_undo_is_over_leaves_nobody_frozen() -> None:
    async with company() as house:
        await resign(house)
        await house.ok("hr", "DELETE", "/staff/v1/employees/nora/resignation")
        last_day = house.clock.day(20).isoformat()
        await house.ok("hr", "POST", "/staff/v1/employees/nora/resignation", json={"last_day": last_day})
        await withdraw(house)
        assert {case["status"] for case in await listed(house, "cases?employee_id=nora", "hr")} == {"cancelled"}
        for service in ("clients", "orders", "offboarding"):
            assert not await frozen(house, service)
