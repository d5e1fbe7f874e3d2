"""The set questions: whole lists in one answer, journaled with what they rest on. test_alike.py proves their reasons."""

from datetime import timedelta
from typing import Any

import pytest

from tests.services.clients.town import BASE, Town, town


async def journaled(here: Town, kind: str) -> dict[str, Any]:
    (row,) = await here.house.rows(
        "clients",
        """
        SELECT j.action, j.reason, j.details, j.system, e.id AS employee, c.id AS client,
               (SELECT array_agg(s.id ORDER BY nth) FROM unnest(j.clients) WITH ORDINALITY AS u (id, nth)
                JOIN surrogates s ON s.surrogate = u.id) AS clients,
               (SELECT array_agg(s.id ORDER BY nth) FROM unnest(j.employees) WITH ORDINALITY AS u (id, nth)
                JOIN surrogates s ON s.surrogate = u.id) AS employees
        FROM journal_entries j LEFT JOIN surrogates e ON e.surrogate = j.employee
        LEFT JOIN surrogates c ON c.surrogate = j.client WHERE j.kind = :kind
        """,
        kind=kind,
    )
    return row


async def test_five_thousand_clients_come_in_one_answer() -> None:
    async with town("anna") as here:
        rows = "\n".join(f'{{"id":"c-{number:04}","name":"C","owner_id":"anna"}}' for number in range(5_000))
        await here.house.call("service", "POST", f"{BASE}/imports?kind=clients", content=rows.encode())
        answer = await here.house.ok("service", "GET", f"{BASE}/access/clients?employee_id=anna&limit=100000")
        assert [item["client_id"] for item in answer["items"]] == [f"c-{number:04}" for number in range(5_000)]
        assert answer["next_cursor"] is None
        row = await journaled(here, "access.clients_asked")
        assert (row["reason"], row["employee"], len(row["clients"])) == ("owner", "anna", 5_000)
        assert row["details"] == {"action": "read", "reasons": [["owner", 5_000]]}


async def test_the_journal_says_what_each_client_of_a_set_rests_on_and_who_was_asked_about() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "ben", team={"delivery": "anna"})
        for client in ("c-2", "c-3"):
            await here.client(client, "anna")
        await here.house.ok("service", "GET", f"{BASE}/access/clients?employee_id=anna&action=list")
        row = await journaled(here, "access.clients_asked")
        assert row["clients"] == ["c-2", "c-3", "c-1"]
        assert row["details"] == {"action": "list", "reasons": [["owner", 2], ["team", 1]]}
        assert (row["employee"], row["reason"], row["system"]) == ("anna", None, "service")


async def test_the_journal_says_who_was_found_to_be_allowed() -> None:
    async with town("ben", "carl") as here:
        await here.department("north", head="nora")
        await here.hire("nora", "anna", department_id="north")
        await here.client("c-1", "anna", team={"delivery": "ben"})
        answer = await here.house.ok("service", "GET", f"{BASE}/access/employees?client_id=c-1")
        allowed = {item["employee_id"]: item["reason"] for item in answer["items"]}
        assert allowed == {"anna": "owner", "ben": "team", "nora": "head"}
        row = await journaled(here, "access.employees_listed")
        assert (row["client"], row["employees"]) == ("c-1", ["anna", "ben", "nora"])
        assert row["details"] == {"action": "read", "reasons": [["owner", 1], ["team", 1], ["head", 1]]}


async def test_somebody_frozen_sees_in_a_set_what_their_passes_allow() -> None:
    async with town("anna", "ben") as here:
        for client in ("c-1", "c-2"):
            await here.client(client, "anna")
        await here.resign("anna", "ben")
        body = {"employee_id": "anna", "client_id": "c-2", "purpose": "introduction"}
        hours = {
            "from": here.house.clock().isoformat(),
            "until": (here.house.clock() + timedelta(hours=20)).isoformat(),
        }
        await here.house.ok("hr", "POST", f"{BASE}/access/passes", json={**body, **hours})
        for action, found in (("read", [{"client_id": "c-2", "reason": "pass"}]), ("export", [])):
            answer = await here.house.ok("service", "GET", f"{BASE}/access/clients?employee_id=anna&action={action}")
            assert answer["items"] == found


@pytest.mark.parametrize(
    "path", ["clients?employee_id=anna", "employees?client_id=c-1", "freezes?since=2020-01-01T00:00:00Z"]
)
async def test_a_set_is_answered_up_to_a_hundred_thousand_at_once(path: str) -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        for limit, status in ((100_000, 200), (100_001, 422)):
            answer = await here.house.call("service", "GET", f"{BASE}/access/{path}&limit={limit}")
            assert answer.status_code == status


async def test_nothing_is_found_for_somebody_unknown_or_gone() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.leave("anna", "ben")
        for employee in ("anna", "nobody"):
            assert (await here.house.ok("service", "GET", f"{BASE}/access/clients?employee_id={employee}"))[
                "items"
            ] == []
