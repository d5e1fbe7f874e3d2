"""What cases and plans read."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.services.clients.test_usage import report, used
from tests.services.clients.town import BASE, Town, town


async def lines(here: Town, who: Any, path: str) -> list[dict[str, Any]]:
    answer = await here.house.call(who, "GET", f"{BASE}/{path}")
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_the_portfolio_has_the_figures_that_plans_need() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna", value="10", effort=2, languages=["de"], team={"delivery": "ben"})
        await here.client("c-2", "anna")
        await here.client("c-3", "ben")
        for days, employee in ((1, "anna"), (2, "anna"), (3, "ben"), (400, "carl")):
            at = (here.house.clock() - timedelta(days=days)).isoformat()
            meeting = {"employee_id": employee, "kind": "meeting", "at": at}
            await here.house.ok("service", "POST", f"{BASE}/clients/c-1/interactions", json=meeting)
        who = ("employee", "anna")
        await here.house.ok(who, "GET", f"{BASE}/clients/c-1")
        await report(here, used(here), used(here, ago=48), used(here, "ben"), used(here, ago=24 * 100))
        await here.house.call(who, "GET", f"{BASE}/export")
        await here.resign("anna", "carl")
        first, second = await lines(here, "service", "portfolio?employee_id=anna")
        assert first == {
            "client_id": "c-1",
            "owner_id": "carl",
            "record_owner_id": "anna",
            "effort": 2,
            "value": "10.00",
            "status": "active",
            "expected_value": None,
            "regions": [],
            "languages": ["de"],
            "team": {"delivery": "ben"},
            "known_by": {"anna": 2, "ben": 1},
            "scores": {"anna": 2, "ben": 1},
            "reads": 3,
            "exports": 1,
        }
        assert (second["client_id"], second["reads"], second["exports"], second["known_by"]) == ("c-2", 0, 1, {})


async def test_who_has_left_knows_the_client_no_more_but_the_leaver_does() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna")
        for employee in ("anna", "carl"):
            meeting = {"employee_id": employee, "kind": "meeting", "at": here.house.clock().isoformat()}
            await here.house.ok("service", "POST", f"{BASE}/clients/c-1/interactions", json=meeting)
        await here.leave("carl", "ben")
        await here.leave("anna", "ben")
        (client,) = await lines(here, "service", "portfolio?employee_id=anna")
        assert (client["known_by"], client["scores"]) == ({"anna": 1}, {"anna": 1})


async def test_what_was_asked_is_no_read_of_the_portfolio() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.check("anna", "c-1", "read")
        checks = [{"employee_id": "anna", "client_id": "c-1", "action": action} for action in ("read", "export")]
        await here.house.ok("service", "POST", f"{BASE}/access/checks", json={"checks": checks})
        await here.resign("anna", "ben")
        (client,) = await lines(here, "service", "portfolio?employee_id=anna")
        assert (client["reads"], client["exports"]) == (0, 0)


@pytest.mark.parametrize("allows", ["nothing", "notice", "notice in a department that is left out"])
async def test_what_the_owner_used_is_in_the_portfolio_only_if_it_may_be_looked_at(allows: str) -> None:
    async with town("ben", exposure_off="north" if "left out" in allows else "") as here:
        await here.department("north")
        await here.hire("anna", department_id="north")
        await here.client("c-1", "anna")
        await report(here, used(here), used(here, action="export"))
        if allows != "nothing":
            await here.resign("anna", "ben")
        (client,) = await lines(here, "service", "portfolio?employee_id=anna")
        looked = allows == "notice"
        assert (client["reads"], client["exports"]) == ((1, 1) if looked else (0, 0))
        journaled = await here.house.rows(
            "clients", "SELECT details FROM journal_entries WHERE kind = 'portfolio.read'"
        )
        assert [leaf["details"] for leaf in journaled] == [{"exposure": True} if looked else None]


async def test_team_places_and_loads_speak_of_the_acting_owner() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna", effort=2, team={"delivery": "ben", "engineering": "ben"})
        await here.client("c-2", "carl", effort=3, team={"delivery": "ben"})
        await here.resign("anna", "carl")
        assert await lines(here, "service", "team-places?employee_id=ben") == [
            {"client_id": "c-1", "function": "delivery", "owner_id": "carl"},
            {"client_id": "c-1", "function": "engineering", "owner_id": "carl"},
            {"client_id": "c-2", "function": "delivery", "owner_id": "carl"},
        ]
        assert await lines(here, "service", "loads") == [{"employee_id": "carl", "effort": 5, "clients": 2}]


@pytest.mark.parametrize("path", ["portfolio?employee_id=anna", "team-places?employee_id=anna", "loads"])
async def test_only_services_read_for_plans_and_each_call_is_in_the_journal_once(path: str) -> None:
    async with town("anna") as here:
        for role in ("employee", "hr", "sales_head", "director", "ops", "auditor"):
            assert (await here.house.call(role, "GET", f"{BASE}/{path}")).status_code == 403
        await lines(here, "service", path)
        count = "SELECT count(*) FROM journal_entries WHERE kind LIKE '%.read'"
        assert await here.house.scalar("clients", count) == 1


async def test_republishing_sends_the_present_state_of_owners_and_freezes_again() -> None:
    async with town("anna", "ben") as here:
        for number in range(3):
            await here.client(f"c-{number}", "anna")
        await here.transfer(("c-0", "anna", "ben"))
        await here.resign("anna", "ben")
        before = len(await here.house.sent("clients"))
        answer = await here.house.ok("ops", "POST", f"{BASE}/republish")
        assert answer == {"events": 2}
        registered, frozen = (await here.house.sent("clients"))[before:]
        assert {(item.client_id, item.to_id, item.sequence) for item in registered.data.items} == {
            ("c-0", "ben", 2),
            ("c-1", "anna", 1),
            ("c-2", "anna", 1),
        }
        assert (frozen.data.employee_id, frozen.data.caretaker_id, frozen.data.clients) == ("anna", "ben", 2)


async def test_a_stage_of_an_open_order_counts_as_team_until_it_is_done() -> None:
    from shared.contracts.orders import (
        OrderPlaced,
        OrderState,
        StageCompleted,
        StageOwner,
        StageState,
        StagesTransferred,
    )

    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna")

        def order(sequence: int, status: Any, employee: str = "ben") -> OrderState:
            return OrderState(
                order_id="o-1",
                client_id="c-1",
                flow_id="f",
                value="1.00",
                origin="own",
                status="open",
                placed_on=here.today,
                stages=[StageState(stage="build", function="engineering", employee_id=employee, status=status)],
                sequence=sequence,
            )

        first = order(1, "ready")
        await here.deliver(OrderPlaced(order_id="o-1", client_id="c-1", value="1.00", order=first), source="orders")
        assert await here.check("ben", "c-1") == "team"
        given = StageOwner(
            order_id="o-1", stage="build", client_id="c-1", employee_id="carl", status="ready", sequence=2
        )
        moved = StagesTransferred(employee_id="ben", to={"carl": 1}, items=[given], orders=[order(2, "ready", "carl")])
        await here.deliver(moved, source="orders")
        assert [await here.check(who, "c-1") for who in ("ben", "carl")] == ["no_relation", "team"]
        await here.deliver(OrderPlaced(order_id="o-1", client_id="c-1", value="1.00", order=first), source="orders")
        assert await here.check("ben", "c-1") == "no_relation"
        done = StageCompleted(
            order_id="o-1", stage="build", client_id="c-1", employee_id="carl", order=order(3, "completed", "carl")
        )
        await here.deliver(done, source="orders")
        assert await here.check("carl", "c-1") == "no_relation"
