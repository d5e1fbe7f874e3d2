"""The journal: every decision and every change of responsibility, under surrogates."""

import json
from typing import Any

import pytest

from shared.contracts.clients import JournalEntry
from tests.services.clients.town import BASE, Town, town


async def entries(here: Town, **filters: Any) -> list[dict[str, Any]]:
    shown: dict[str, Any] = await here.house.ok("auditor", "GET", f"{BASE}/journal", params=filters)
    items: list[dict[str, Any]] = shown["items"]
    return items


async def test_every_read_is_in_the_journal_the_refused_ones_too() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.house.call(("employee", "anna"), "GET", f"{BASE}/clients/c-1")
        await here.house.call(("employee", "ben"), "GET", f"{BASE}/clients/c-1")
        await here.house.call(("employee", "anna"), "GET", f"{BASE}/clients")
        await here.house.call(("employee", "anna"), "GET", f"{BASE}/export")
        seen = [
            (entry["employee_id"], entry["action"], entry["allowed"], entry["client_id"] or entry["clients"])
            for entry in reversed(await entries(here))
            if entry["action"]
        ]
        assert seen == [
            ("anna", "read", True, "c-1"),
            ("ben", "read", False, "c-1"),
            ("anna", "list", True, ["c-1"]),
            ("anna", "export", True, ["c-1"]),
        ]


async def test_a_check_is_one_leaf_and_a_thousand_checks_are_one_leaf() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        one = {"employee_id": "anna", "client_id": "c-1", "action": "read"}
        single = await here.house.ok("service", "POST", f"{BASE}/access/check", json=one)
        many = [{**one, "employee_id": employee} for employee in ("anna", "ben", "nobody") * 333]
        results = (await here.house.ok("service", "POST", f"{BASE}/access/checks", json={"checks": many}))["results"]
        leaves = [result["decision_id"].rsplit(".", 1) for result in results]
        assert {leaf for leaf, _ in leaves} == {leaves[0][0]}
        assert [int(index) for _, index in leaves] == list(range(999))
        assert {result["decided_at"] for result in results} == {results[0]["decided_at"]}
        batch, alone, *_ = await entries(here)
        assert (batch["id"], alone["id"]) == (leaves[0][0], single["decision_id"].removesuffix(".0"))
        assert batch["employees"][:3] == ["anna", "ben", None]
        assert batch["details"]["decisions"][:3] == [
            ["read", "owner"],
            ["read", "no_relation"],
            ["read", "unknown_employee"],
        ]


async def test_no_id_of_a_person_or_client_and_no_free_text_stands_in_the_journal_itself() -> None:
    async with town("anna-secret", "ben-secret") as here:
        await here.client("client-secret", "anna-secret", name="Name-secret", team={"delivery": "ben-secret"})
        await here.check("anna-secret", "client-secret")
        await here.house.ok(("employee", "anna-secret"), "GET", f"{BASE}/clients")
        await here.transfer(("client-secret", "anna-secret", "ben-secret"))
        await here.resign("anna-secret", "ben-secret")
        body = {"employee_id": "ben-secret", "reason": "reason-secret"}
        await here.house.ok("hr", "POST", f"{BASE}/access/freezes", json=body)
        await here.deliver(
            JournalEntry(
                kind="stage.assigned",
                actor_id="ben-secret",
                employee_id="anna-secret",
                client_id="client-secret",
                details={"from_id": "ben-secret", "order_id": "o-1"},
            ),
            source="orders",
        )
        rows = await here.house.rows("clients", "SELECT * FROM journal_entries")
        assert len(rows) >= 6
        assert "secret" not in json.dumps(rows, default=str)
        (newest, *_) = await entries(here)
        assert newest["details"] == {"from_id": "ben-secret", "order_id": "o-1"}


async def test_where_the_mapping_is_erased_the_surrogate_stands_alone() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await here.check("anna", "c-1")
        runtime = here.house.runtime("clients")
        async with runtime.database.connect() as connection:
            await connection.execute("DELETE FROM surrogates WHERE id = 'anna'")
        (entry, *_) = await entries(here)
        assert entry["client_id"] == "c-1"
        assert len(entry["employee_id"]) == 36


async def test_entries_are_found_by_employee_client_and_time_also_those_of_many() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "ben")
        here.house.clock.move(hours=1)
        middle = here.house.clock().isoformat()
        here.house.clock.move(hours=1)
        await here.transfer(("c-1", "anna", "carl"), ("c-2", "ben", "carl"))
        await here.house.ok(("employee", "carl"), "GET", f"{BASE}/clients")

        async def kinds(**filters: Any) -> list[str]:
            return [entry["kind"] for entry in reversed(await entries(here, **filters))]

        assert await kinds(client_id="c-1") == ["client.registered", "client.transferred", "client.listed"]
        assert await kinds(employee_id="anna") == ["client.registered", "client.transferred"]
        assert await kinds(employee_id="carl", client_id="c-2") == ["client.transferred", "client.listed"]
        assert await kinds(client_id="c-1", since=middle) == ["client.transferred", "client.listed"]
        assert await kinds(client_id="c-1", until=middle) == ["client.registered"]
        assert await kinds(client_id="none") == []


async def test_the_journal_is_paged_newest_first() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        for _ in range(4):
            await here.check("anna", "c-1")
        first = await here.house.ok("auditor", "GET", f"{BASE}/journal?limit=3")
        rest = await here.house.ok("auditor", "GET", f"{BASE}/journal?limit=3&cursor={first['next_cursor']}")
        ids = [entry["id"] for entry in first["items"] + rest["items"]]
        assert len(set(ids)) == len(ids) == 5
        assert rest["next_cursor"] is None


@pytest.mark.parametrize("role", ["employee", "hr", "sales_head", "director", "ops", "service"])
async def test_only_auditors_read_the_journal(role: str) -> None:
    async with town() as here:
        assert (await here.house.call(role, "GET", f"{BASE}/journal")).status_code == 403


async def test_a_refused_effect_is_journaled_though_nothing_happened() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna", team={"delivery": "ben"})
        await here.house.call(("employee", "ben"), "PATCH", f"{BASE}/clients/c-1", json={"name": "B"})
        (entry, *_) = await entries(here)
        assert (entry["action"], entry["allowed"], entry["reason"]) == ("edit", False, "action_not_allowed")
