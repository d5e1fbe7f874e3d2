"""Before notice: how many clients an employee may export on a day, and who lets them export more."""

import asyncio
import json
from typing import Any

import pytest

from services.clients.access.store.checks import REACH_EVERYBODY, AccessQuestion
from tests.services.clients.town import BASE, Town, town

HEAD = (["employee", "sales_head"], "nora")


async def clients(here: Town, count: int, owner: str = "anna") -> None:
    rows = "\n".join(f'{{"id":"c-{number:03}","name":"C","owner_id":"{owner}"}}' for number in range(count))
    await here.house.call("service", "POST", f"{BASE}/imports?kind=clients", content=rows.encode())


async def check(here: Town, number: int, employee: str = "anna", action: str = "export") -> str:
    return await here.check(employee, f"c-{number:03}", action)


async def check_all(here: Town, *numbers: int) -> list[str]:
    checks = [{"employee_id": "anna", "client_id": f"c-{number:03}", "action": "export"} for number in numbers]
    answer = await here.house.ok("service", "POST", f"{BASE}/access/checks", json={"checks": checks})
    return [result["reason"] for result in answer["results"]]


async def exported(here: Town, format: str = "ndjson") -> list[str]:
    answer = await here.house.call(("employee", "anna"), "GET", f"{BASE}/export?format={format}")
    assert answer.status_code == 200, answer.text
    return list(answer.text.splitlines())


async def grant(here: Town, who: Any = "hr", **fields: Any) -> Any:
    body = {"employee_id": "anna", "reason": "a fair", **fields}
    return await here.house.call(who, "POST", f"{BASE}/access/export-grants", json=body)


async def told(here: Town) -> list[dict[str, Any]]:
    await here.house.settle()
    rows = await here.house.rows("clients", "SELECT body FROM outbox WHERE type = 'access.limit_reached' ORDER BY id")
    return [json.loads(row["body"]) for row in rows]


async def test_above_the_limit_an_export_is_refused_whatever_way_it_is_asked_for() -> None:
    async with town("anna", export_limit=5) as here:
        await clients(here, 8)
        assert [await check(here, number) for number in (7, 6)] == ["owner", "owner"]
        assert await check_all(here, 0, 7, 1) == ["owner"] * 3
        lines = [json.loads(line) for line in await exported(here)]
        assert [line["id"] for line in lines[:-1]] == ["c-000", "c-001", "c-002", "c-006", "c-007"]
        assert lines[-1] == {"stopped": "limit"}
        assert await check(here, 4) == "limit"
        assert await check_all(here, 0, 3, 4) == ["owner", "limit", "limit"]


async def test_a_client_that_was_exported_today_is_never_refused_and_other_actions_are_not_counted() -> None:
    async with town("anna", export_limit=1) as here:
        await clients(here, 3)
        for number in range(3):
            assert await check(here, number, action="read") == "owner"
        assert [await check(here, number) for number in (0, 1, 0, 0)] == ["owner", "limit", "owner", "owner"]
        assert await check_all(here, 0, 0, 1) == ["owner", "owner", "limit"]


async def test_the_last_line_of_a_csv_says_limit_too() -> None:
    async with town("anna", export_limit=1) as here:
        await clients(here, 2)
        assert (await exported(here, "csv"))[-1] == "# stopped: limit"


async def test_an_export_of_nothing_but_what_is_too_much_is_refused_with_limit() -> None:
    async with town("anna", export_limit=0) as here:
        await clients(here, 1)
        answer = await here.house.call(("employee", "anna"), "GET", f"{BASE}/export")
        assert (answer.status_code, answer.json()["reason"]) == (403, "limit")
        assert await check(here, 0) == "limit"


async def test_the_next_day_counts_anew() -> None:
    async with town("anna", export_limit=1) as here:
        await clients(here, 2)
        assert [await check(here, number) for number in (0, 1)] == ["owner", "limit"]
        here.house.clock.move(days=1)
        assert [await check(here, number) for number in (1, 0)] == ["owner", "limit"]


async def test_what_was_refused_for_other_reasons_is_not_counted() -> None:
    async with town("anna", "ben", export_limit=1) as here:
        await clients(here, 2)
        await here.client("b-1", "ben", team={"delivery": "anna"})
        assert await here.check("anna", "b-1", "export") == "action_not_allowed"
        assert await here.check("anna", "none", "export") == "unknown_client"
        assert await check(here, 0) == "owner"
        checks = [{"employee_id": name, "client_id": "c-001", "action": "export"} for name in ("ben", "anna")]
        refused = await here.house.call(("employee", "ben"), "POST", f"{BASE}/access/checks", json={"checks": checks})
        assert refused.status_code == 403
        assert await here.house.scalar("clients", "SELECT sum(clients) FROM export_days") == 1


async def test_exports_that_are_refused_are_in_the_journal_with_limit() -> None:
    async with town("anna", export_limit=1) as here:
        await clients(here, 3)
        await check(here, 0)
        await check(here, 1)
        await check_all(here, 0, 2)
        await exported(here)
        rows = await here.house.rows(
            "clients",
            """
            SELECT kind, reason, cardinality(clients) AS n, details FROM journal_entries
            WHERE kind ~ 'checked|exported' ORDER BY id
            """,
        )
        assert [(row["kind"], row["reason"], row["n"]) for row in rows] == [
            ("access.checked", "owner", None),
            ("access.checked", "limit", None),
            ("access.checked", None, 2),
            ("client.exported", "owner", 1),
            ("client.exported", "limit", 2),
        ]
        assert rows[2]["details"]["decisions"] == [["export", "owner"], ["export", "limit"]]


async def test_looking_at_a_decision_uses_nothing_up_but_asking_with_an_explanation_does() -> None:
    async with town("anna", export_limit=1) as here:
        await clients(here, 2)

        async def explained(who: Any, number: int) -> Any:
            body = {"employee_id": "anna", "client_id": f"c-{number:03}", "action": "export"}
            return (await here.house.ok(who, "POST", f"{BASE}/access/check?explain=true", json=body))["reason"]

        for who in ("auditor", (("employee", "auditor"), "otto"), (("sales_head", "ops"), "olga")):
            assert [await explained(who, number) for number in (0, 1)] == ["owner", "owner"]
        assert [await explained("service", number) for number in (0, 1)] == ["owner", "limit"]
        assert await explained("auditor", 1) == "limit"


# -- grants ------------------------------------------------------------------------------------------------------------


async def test_a_second_person_lets_them_export_more_on_that_day() -> None:
    async with town("anna", export_limit=1) as here:
        await clients(here, 6)
        assert await check_all(here, 0, 1) == ["owner", "limit"]
        answer = await grant(here, clients=2)
        assert (answer.status_code, answer.json()["on"]) == (201, here.today.isoformat())
        assert await check_all(here, 1, 2, 3) == ["owner", "owner", "limit"]
        assert (await grant(here)).json()["clients"] is None
        assert await check_all(here, 3, 4, 5) == ["owner"] * 3
        here.house.clock.move(days=1)
        assert await check_all(here, 0, 1) == ["owner", "limit"]


async def test_a_grant_for_another_day_lets_nobody_export_today() -> None:
    async with town("anna", export_limit=0) as here:
        await clients(here, 1)
        assert (await grant(here, on=here.house.clock.day(1).isoformat())).status_code == 201
        assert await check(here, 0) == "limit"
        assert (await grant(here, on=here.house.clock.day(-1).isoformat())).json()["type"].endswith("day_is_over")
        here.house.clock.move(days=1)
        assert await check(here, 0) == "owner"


async def test_grants_are_given_by_hr_a_director_and_the_head_of_that_person_and_never_for_oneself() -> None:
    async with town("ben") as here:
        await here.department("north", head="nora")
        await here.hire("nora", "anna", department_id="north")
        for who, employee, status in (
            ("hr", "anna", 201),
            ("director", "anna", 201),
            (HEAD, "anna", 201),
            (HEAD, "ben", 403),
            (HEAD, "nora", 403),
            (("hr", "anna"), "anna", 403),
            (("employee", "ben"), "anna", 403),
            ("ops", "anna", 403),
            ("service", "anna", 403),
            ("hr", "nobody", 422),
        ):
            assert (await grant(here, who, employee_id=employee)).status_code == status, (who, employee)


async def test_a_frozen_head_grants_nothing() -> None:
    async with town("ben") as here:
        await here.department("north", head="nora")
        await here.hire("nora", "anna", department_id="north")
        await here.house.ok("hr", "POST", f"{BASE}/access/freezes", json={"employee_id": "nora", "reason": "stolen"})
        assert (await grant(here, HEAD)).status_code == 403


async def test_a_grant_is_listed_given_once_and_withdrawn() -> None:
    async with town("ben", export_limit=1) as here:
        await here.department("north", head="nora")
        await here.hire("nora", "anna", department_id="north")
        await clients(here, 3)
        for _ in range(2):
            assert (await grant(here, HEAD, id="g-1", clients=1)).status_code == 201
        assert (await grant(here, HEAD, id="g-1", clients=2)).status_code == 409
        listed = f"{BASE}/access/export-grants"
        for who, seen in ((("employee", "anna"), 1), (("employee", "ben"), 0), (HEAD, 1), ("hr", 1), ("director", 1)):
            assert len((await here.house.ok(who, "GET", listed))["items"]) == seen, who
        assert (await here.house.ok("hr", "GET", f"{listed}?employee_id=ben"))["items"] == []
        assert await check_all(here, 0, 1) == ["owner", "owner"]
        assert (await here.house.call(("hr", "anna"), "DELETE", f"{listed}/g-1")).status_code == 403
        assert (await here.house.call("hr", "DELETE", f"{listed}/g-2")).status_code == 404
        for _ in range(2):
            assert (await here.house.call("hr", "DELETE", f"{listed}/g-1")).status_code == 204
        assert await check_all(here, 0, 1, 2) == ["owner", "owner", "limit"]
        kinds = await here.house.rows(
            "clients", "SELECT kind FROM journal_entries WHERE kind LIKE 'export.%' ORDER BY id"
        )
        assert [row["kind"] for row in kinds] == ["export.granted", "export.grant_withdrawn"]


async def test_what_was_counted_on_days_of_before_is_forgotten() -> None:
    from services.clients.export_limits.handlers import delete_old_export_counts

    async with town("anna") as here:
        await clients(here, 3)
        await check_all(here, 0, 1)
        here.house.clock.move(days=2)
        await check_all(here, 2)
        await delete_old_export_counts(here.house.runtime("clients"))
        assert await here.house.rows("clients", "SELECT client_id FROM exported") == [{"client_id": "c-002"}]


# -- the event ---------------------------------------------------------------------------------------------------------


async def test_that_the_limit_was_reached_is_told_once_a_day_and_again_when_a_grant_is_used_up() -> None:
    async with town("anna", export_limit=1) as here:
        await clients(here, 9)
        await check(here, 0)
        assert await told(here) == []
        for number in (1, 2, 3):
            await check(here, number)
            assert len(await told(here)) == 1
        await grant(here, clients=2)
        await check_all(here, 4, 5, 6, 7)
        await check(here, 8)
        day = here.today.isoformat()
        assert await told(here) == [
            {"employee_id": "anna", "day": day, "limit": 1, "clients": 1},
            {"employee_id": "anna", "day": day, "limit": 3, "clients": 3},
        ]


# -- at the same time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, 7, 40])
async def test_many_replicas_together_let_no_more_go_than_the_limit(limit: int) -> None:
    """Two batchers and exports of our own at once, each with its own connection."""
    from services.clients.access.store.checks import start_check_batcher

    async with town("anna", export_limit=limit) as here:
        await clients(here, 60)
        runtime = here.house.runtime("clients")
        first = runtime.state["check_batcher"]
        await start_check_batcher(runtime)
        second = runtime.state["check_batcher"]
        asked = [AccessQuestion("anna", f"c-{number:03}", "export", "crm", REACH_EVERYBODY) for number in range(60)]
        answers = await asyncio.gather(
            *(batcher.check(one) for one in asked[:20] for batcher in (first, second)),
            *(batcher.check_all(asked[start : start + 20]) for start in (10, 30) for batcher in (first, second)),
            *(here.house.call(("employee", "anna"), "GET", f"{BASE}/export") for _ in range(2)),
        )
        first.close()
        went = {one["client_id"] for one in await here.house.rows("clients", "SELECT client_id FROM exported")}
        assert len(went) == limit
        asked_alone = [one.client_id for one in asked[:20] for _ in range(2)]
        allowed = {id for id, answer in zip(asked_alone, answers[:40], strict=True) if answer.allowed}  # type: ignore[union-attr]
        assert allowed == went & set(asked_alone)
        assert await here.house.scalar("clients", "SELECT clients FROM export_days") == limit


async def test_who_counts_second_waits_and_sees_what_the_first_has_counted() -> None:
    async with town("anna", export_limit=1) as here:
        wanted = "SELECT within_export_limit('anna', DATE '2026-06-17', ARRAY[$1], 1, true)"
        database = here.house.runtime("clients").database
        async with database.connect() as first, database.connect() as second, database.connect() as watching:
            await first.execute("INSERT INTO export_days (employee_id, day) VALUES ('anna', DATE '2026-06-17')")
            begun = first.transaction()
            await begun.start()
            assert await first.fetchval(wanted, "c-1") == ["c-1"]
            later = asyncio.create_task(second.fetchval(wanted, "c-2"))
            while not await watching.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not later.done()
            await begun.commit()
            assert await later == []


async def test_statements_about_the_same_people_in_other_orders_do_not_wait_for_each_other_for_ever() -> None:
    from services.clients.access.store.checks import start_check_batcher

    names = [f"e-{number}" for number in range(8)]
    async with town(*names, export_limit=1_000) as here:
        for name in names:
            await here.client(f"of-{name}", name)
        runtime = here.house.runtime("clients")
        first = runtime.state["check_batcher"]
        await start_check_batcher(runtime)
        asked = [AccessQuestion(name, f"of-{name}", "export", "crm", REACH_EVERYBODY) for name in names]
        answers = await asyncio.gather(
            *(first.check_all(asked) for _ in range(20)),
            *(runtime.state["check_batcher"].check_all(asked[::-1]) for _ in range(20)),
        )
        first.close()
        assert all(answer.allowed for batch in answers for answer in batch)
