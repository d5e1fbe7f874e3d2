"""Passes: the only way through a freeze."""

from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.clients import ClientMove, GrantPasses, PassWanted, TransferClients
from tests.services.clients.town import BASE, Town, town


async def grant(here: Town, who: Any = "hr", begin: int = 0, hours: float = 2, **changes: Any) -> Any:
    now = here.house.clock()
    body = {
        "employee_id": "anna",
        "client_id": "c-1",
        "from": (now + timedelta(hours=begin)).isoformat(),
        "until": (now + timedelta(hours=begin + hours)).isoformat(),
        "purpose": "introduction",
        **changes,
    }
    return await here.house.call(who, "POST", f"{BASE}/access/passes", json=body)


async def test_a_pass_opens_one_client_for_its_time_and_purpose() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "anna")
        await here.resign("anna", "ben")
        assert (await grant(here, begin=1)).status_code == 201
        assert await here.check("anna", "c-1") == "frozen"
        here.house.clock.move(hours=1)
        assert await here.check("anna", "c-1") == "pass"
        assert await here.check("anna", "c-1", "export") == "frozen"
        assert await here.check("anna", "c-2") == "frozen"
        assert (await here.house.call(("employee", "anna"), "GET", f"{BASE}/clients/c-1")).status_code == 200
        assert (await here.house.call(("employee", "anna"), "GET", f"{BASE}/clients/c-2")).status_code == 403
        here.house.clock.move(hours=2)
        assert await here.check("anna", "c-1") == "frozen"


async def test_a_work_pass_lasts_until_the_last_working_day_ends() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.resign("anna", "ben", days=3)
        assert (await grant(here, purpose="work", hours=24 * 9)).json()["reason"] == "too_long"
        assert (await grant(here, purpose="work", hours=24 * 2)).status_code == 201
        assert await here.check("anna", "c-1", "edit") == "pass"


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"hours": 25}, 422, "too_long"),
        ({"hours": -1}, 422, "wrong_order"),
        ({"begin": -5}, 422, "in_the_past"),
        ({"employee_id": "ben"}, 409, "person_not_frozen"),
        ({"employee_id": "nobody"}, 422, "unknown_employee"),
        ({"client_id": "c-2"}, 409, "not_their_client"),
        ({"client_id": "none"}, 422, "unknown_client"),
        ({"purpose": "fun"}, 422, "invalid"),
        ({"who": "service"}, 403, "forbidden"),
        ({"who": ("hr", "anna")}, 403, "own_affair"),
        ({"who": ("sales_head", "ben")}, 403, "forbidden"),
    ],
)
async def test_a_pass_that_cannot_be_right_is_refused_with_the_reason(changes: Any, status: int, reason: str) -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "ben")
        await here.resign("anna", "ben")
        answer = await grant(here, **changes)
        assert answer.status_code == status
        if changes.get("who") != ("hr", "anna"):
            assert answer.json()["reason"] == reason
        assert await here.house.scalar("clients", "SELECT count(*) FROM passes") == 0


async def test_a_pass_withdrawn_opens_nothing_any_more() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.resign("anna", "ben")
        path = f"{BASE}/access/passes/{(await grant(here)).json()['id']}"
        assert (await here.house.call(("hr", "anna"), "DELETE", path)).status_code == 403
        for _ in range(2):
            assert (await here.house.call("hr", "DELETE", path)).status_code == 204
        assert await here.check("anna", "c-1") == "frozen"
        events = [event.data.type for event in await here.house.sent("clients") if event.data.type.startswith("pass.")]
        assert events == ["pass.granted", "pass.withdrawn"]


async def test_the_same_pass_again_is_the_same_pass() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.resign("anna", "ben")
        until = (here.house.clock() + timedelta(hours=2)).isoformat()
        given = {"id": "p-1", "from": here.house.clock().isoformat(), "until": until}
        first, second = await grant(here, **given), await grant(here, **given)
        assert first.json() == second.json()
        assert (await grant(here, **{**given, "purpose": "work"})).status_code == 409
        assert (await grant(here, **{**given, "employee_id": "ben"})).status_code == 409
        assert (await here.house.ok("hr", "GET", first.headers["Location"])) == first.json()
        assert (await here.house.call(("employee", "ben"), "GET", first.headers["Location"])).status_code == 404


async def test_the_leaver_sees_their_own_passes_and_others_see_those_of_their_people() -> None:
    async with town("ben", "carl") as here:
        await here.department("north", head="nora")
        await here.hire("nora", "anna", department_id="north")
        for employee, client in (("anna", "c-1"), ("carl", "c-2")):
            await here.client(client, employee)
            await here.resign(employee, "ben")
            assert (await grant(here, employee_id=employee, client_id=client)).status_code == 201

        async def seen(who: Any, query: str = "") -> list[str]:
            listed = await here.house.ok(who, "GET", f"{BASE}/access/passes{query}")
            return sorted(item["client_id"] for item in listed["items"])

        assert await seen(("employee", "anna")) == ["c-1"]
        assert await seen(("sales_head", "nora")) == ["c-1"]
        assert await seen("hr") == ["c-1", "c-2"]
        assert await seen("hr", "?client_id=c-2&active=true") == ["c-2"]
        assert await seen("hr", "?active=false") == []


async def test_a_case_gets_its_passes_also_for_clients_that_have_moved_on() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "ben")
        await here.resign("anna", "ben")
        move = ClientMove(client_id="c-1", from_id="anna", to_id="carl")
        head = {"case_id": "case-1", "epoch": 1, "employee_id": "anna"}
        await here.deliver(TransferClients(command_id="t", items=[move], **head), source="offboarding")
        now = here.house.clock()
        wanted = [
            PassWanted(pass_id=f"p-{client}", client_id=client, from_time=now, until_time=now + timedelta(hours=1))
            for client in ("c-1", "c-2", "none")
        ]
        for _ in range(2):
            await here.deliver(GrantPasses(command_id="p", items=wanted, **head), source="offboarding")
            (*_, answer) = await here.house.sent("clients", "command.answered")
            assert [result.outcome for result in answer.data.results] == ["done", "not_their_client", "unknown_client"]
        assert await here.check("anna", "c-1") == "pass"
        assert len(await here.house.sent("clients", "pass.granted")) == 1
