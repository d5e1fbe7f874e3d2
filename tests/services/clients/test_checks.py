"""Access decisions through the door."""

import asyncio
from typing import Any

import pytest

from services.clients.access.store.checks import REACH_EVERYBODY, AccessQuestion, CheckBatcher
from tests.services.clients.town import BASE, Town, town


async def ask(here: Town, who: Any, employee: str, client: str = "c-1", action: str = "read") -> Any:
    body = {"employee_id": employee, "client_id": client, "action": action}
    return await here.house.call(who, "POST", f"{BASE}/access/check", json=body)


async def ask_all(here: Town, who: Any, *employees: str) -> Any:
    checks = [{"employee_id": employee, "client_id": "c-1", "action": "read"} for employee in employees]
    return await here.house.call(who, "POST", f"{BASE}/access/checks", json={"checks": checks})


async def test_a_service_asks_about_anybody_an_employee_about_themselves_a_head_about_their_people() -> None:
    async with town("ben") as here:
        await here.department("north", head="nora")
        await here.hire("nora", "anna", department_id="north")
        await here.client("c-1", "anna")
        for who, employee, status in (
            ("service", "anna", 200),
            ("director", "anna", 200),
            (("employee", "anna"), "anna", 200),
            (("employee", "anna"), "ben", 403),
            (("sales_head", "nora"), "anna", 200),
            (("sales_head", "nora"), "nora", 200),
            (("sales_head", "nora"), "ben", 403),
            ("hr", "anna", 403),
            ("ops", "anna", 403),
            ("auditor", "anna", 403),
            (None, "anna", 401),
        ):
            assert (await ask(here, who, employee)).status_code == status, (who, employee)
            assert (await ask_all(here, who, employee)).status_code == status, (who, employee)
        assert (await ask_all(here, ("sales_head", "nora"), "anna", "ben")).status_code == 403


async def test_what_the_caller_may_not_ask_is_not_journaled_either() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await ask(here, ("employee", "anna"), "ben")
        await ask_all(here, ("employee", "anna"), "anna", "ben")
        count = "SELECT count(*) FROM journal_entries WHERE kind = 'access.checked'"
        assert await here.house.scalar("clients", count) == 0


async def test_a_frozen_employee_may_still_ask_about_themselves() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.resign("anna", "ben")
        answer = await ask(here, ("employee", "anna"), "anna")
        assert (answer.status_code, answer.json()["reason"]) == (200, "frozen")
        assert (await ask(here, ("director", "anna"), "ben")).status_code == 403


@pytest.mark.parametrize(
    ("employee", "client", "reason"),
    [
        ("anna", "c-1", "owner"),
        ("ben", "c-1", "no_relation"),
        ("anna", "none", "unknown_client"),
        ("nobody", "c-1", "unknown_employee"),
        ("nobody", "none", "unknown_employee"),
        ("left", "c-1", "not_employed"),
    ],
)
async def test_a_decision_says_why(employee: str, client: str, reason: str) -> None:
    async with town("anna", "ben", "left") as here:
        await here.client("c-1", "anna")
        await here.leave("left")
        answer = (await ask(here, "service", employee, client)).json()
        assert (answer["allowed"], answer["reason"]) == (reason == "owner", reason)
        assert answer["decided_at"].endswith("Z")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{broken", 400),
        (b"[]", 422),
        (b'{"employee_id": "anna", "client_id": "c-1"}', 422),
        (b'{"employee_id": "anna", "client_id": "c-1", "action": "steal"}', 422),
        (b'{"employee_id": "anna", "client_id": "c-1", "action": "read", "more": 1}', 422),
        (b'{"employee_id": "a\\u0000", "client_id": "c-1", "action": "read"}', 422),
        (b'{"employee_id": "", "client_id": "c-1", "action": "read"}', 422),
    ],
)
async def test_a_wrong_question_is_refused_in_the_manner_of_all_others(body: bytes, status: int) -> None:
    async with town() as here:
        answer = await here.house.call("service", "POST", f"{BASE}/access/check", content=body)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert "steal" not in answer.text


async def test_at_most_a_thousand_checks_are_taken_in_one_call() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        assert (await ask_all(here, "service", *["anna"] * 1_000)).status_code == 200
        assert (await ask_all(here, "service", *["anna"] * 1_001)).status_code == 422
        assert (await ask_all(here, "service")).status_code == 422


async def test_the_set_questions_answer_as_the_checks_do() -> None:
    async with town("nora", "ben", "dora") as here:
        await here.department("north", head="nora")
        await here.hire("anna", department_id="north", deputy_id="dora")
        for number in range(3):
            await here.client(f"c-{number}", "anna", team={"delivery": "ben"} if number == 1 else {})
        await here.away("anna")
        for action in ("read", "export", "edit"):
            for employee in ("anna", "ben", "nora", "dora"):
                path = f"{BASE}/access/clients?employee_id={employee}&action={action}&limit=2"
                page = await here.house.ok("service", "GET", path)
                found = page["items"]
                while page["next_cursor"]:
                    page = await here.house.ok("service", "GET", f"{path}&cursor={page['next_cursor']}")
                    found += page["items"]
                checked = {f"c-{number}": await here.check(employee, f"c-{number}", action) for number in range(3)}
                wanted = {id: reason for id, reason in checked.items() if reason in ("owner", "team", "head", "deputy")}
                assert {item["client_id"]: item["reason"] for item in found} == wanted
            asked = f"{BASE}/access/employees?client_id=c-1&action={action}"
            who = await here.house.ok(("employee", "anna"), "GET", asked)
            for item in who["items"]:
                assert await here.check(item["employee_id"], "c-1", action) == item["reason"]


async def test_what_an_employee_may_see_is_known_to_them_and_to_their_head() -> None:
    async with town("ben") as here:
        await here.department("north", head="nora")
        await here.hire("nora", "anna", department_id="north")
        await here.client("c-1", "anna")
        for who, status in (
            (("employee", "anna"), 200),
            (("sales_head", "nora"), 200),
            (("employee", "ben"), 404),
            (("sales_head", "ben"), 404),
        ):
            assert (
                await here.house.call(who, "GET", f"{BASE}/access/clients?employee_id=anna")
            ).status_code == status, who
        stranger = await here.house.call(("employee", "ben"), "GET", f"{BASE}/access/employees?client_id=c-1")
        assert stranger.status_code == 404


# -- gathering ---------------------------------------------------------------------------------------------------------


def batcher(here: Town) -> CheckBatcher:
    found: CheckBatcher = here.house.runtime("clients").state["check_batcher"]
    return found


def question(employee: str, client: str = "c-1") -> AccessQuestion:
    return AccessQuestion(employee, client, "read", "crm", REACH_EVERYBODY)


async def test_checks_that_arrive_together_are_each_answered_and_journaled() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        asked = [question(("anna", "ben", "nobody")[number % 3]) for number in range(300)]
        answers = await asyncio.gather(*(batcher(here).check(one) for one in asked))
        reasons = {"anna": "owner", "ben": "no_relation", "nobody": "unknown_employee"}
        assert [answer.reason for answer in answers] == [reasons[one.employee_id] for one in asked]
        assert len({answer.decision_id for answer in answers}) == 300
        count = "SELECT count(DISTINCT leaf) FROM journal_entries WHERE kind = 'access.checked'"
        assert await here.house.scalar("clients", count) == 300


async def test_a_lost_connection_is_made_again() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        assert (await batcher(here).check(question("anna"))).reason == "owner"
        ended = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE application_name = 'holdfast checks' AND datname = current_database()"""
        await here.house.rows("clients", ended)
        assert (await batcher(here).check(question("anna"))).reason == "owner"


async def test_a_caller_who_hangs_up_takes_nobody_elses_answer_along() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        tasks = [asyncio.create_task(batcher(here).check(question("anna"))) for _ in range(5)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert [answer.reason for answer in answers[1:]] == ["owner"] * 4  # type: ignore[union-attr]


async def test_while_the_database_is_away_nobody_is_admitted_and_the_door_says_so() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        connection = batcher(here).connection
        reachable, connection.dsn = connection.dsn, "postgresql://nobody@127.0.0.1:1/none"
        connection.close()
        answer = await ask(here, "service", "anna")
        assert (answer.status_code, answer.json()["reason"]) == (503, "unavailable")
        connection.dsn = reachable
        assert (await ask(here, "service", "anna")).json()["reason"] == "owner"


async def test_a_deputy_who_heads_a_department_without_the_role_of_a_head_is_a_deputy() -> None:
    async with town() as here:
        await here.department("north", head="nora")
        await here.hire("nora", "anna", department_id="north")
        await here.client("c-1", "anna")
        await here.change("anna", deputy_id="nora")
        await here.away("anna")
        for method, body in (("GET", None), ("PATCH", {"name": "N"})):
            await here.house.ok(("employee", "nora"), method, f"{BASE}/clients/c-1", json=body)
        assert await here.check("nora", "c-1") == "deputy"
        assert await here.check("nora", "c-1", "export") == "head"
