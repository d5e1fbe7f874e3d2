"""Clients under the ids that other systems give them, and their status."""

from datetime import timedelta
from typing import Any

import pytest

from tests.services.clients.town import BASE, Town, town

ANNA = ("employee", "anna")


async def called(here: Town, client: str) -> dict[str, str]:
    ids: dict[str, str] = (await here.house.ok("service", "GET", f"{BASE}/clients/{client}"))["external_ids"]
    return ids


async def test_a_client_is_found_by_its_id_in_another_system() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna", external_ids={"crm": "4711", "erp": "x.9"})
        assert (await here.house.ok(ANNA, "GET", f"{BASE}/clients/crm~4711"))["id"] == "c-1"
        assert await called(here, "erp~x.9") == {"crm": "4711", "erp": "x.9"}
        assert (await here.house.call("service", "GET", f"{BASE}/clients/crm~x.9")).status_code == 404
        assert (await here.house.call("service", "GET", f"{BASE}/clients/crm~")).status_code == 422


async def test_an_external_id_belongs_to_one_client_and_the_refusal_names_the_system_only() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna", external_ids={"crm": "4711"})
        await here.client("c-2", "anna", external_ids={"erp": "4711"})
        body = {"id": "c-3", "name": "A", "owner_id": "anna", "external_ids": {"crm": "4711"}}
        made = await here.house.call("service", "POST", f"{BASE}/clients", json=body)
        changed = await here.house.call(
            "service", "PATCH", f"{BASE}/clients/c-2", json={"external_ids": {"crm": "4711"}}
        )
        for answer in (made, changed):
            assert (answer.status_code, answer.json()["reason"]) == (409, "external_id_taken")
            assert answer.json()["system"] == "crm"
            assert "4711" not in str(answer.json() | {"trace_id": None})
        assert (await here.house.call("service", "GET", f"{BASE}/clients/c-3")).status_code == 404
        assert await called(here, "c-2") == {"erp": "4711"}


async def test_a_system_that_is_not_named_keeps_its_id_and_null_takes_one_away() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna", external_ids={"crm": "1", "erp": "2"})
        changes = {"external_ids": {"crm": "3", "mail": "4", "erp": None}}
        await here.house.ok("service", "PATCH", f"{BASE}/clients/c-1", json=changes)
        assert await called(here, "c-1") == {"crm": "3", "mail": "4"}
        for gone in ("crm~1", "erp~2"):
            assert (await here.house.call("service", "GET", f"{BASE}/clients/{gone}")).status_code == 404
        await here.client("c-2", "anna", external_ids={"crm": "1"})


async def test_under_the_name_of_what_was_merged_stands_no_other_system() -> None:
    async with town("anna") as here:
        body = {"name": "A", "owner_id": "anna", "external_ids": {"merged": "c-9"}}
        assert (await here.house.call("service", "POST", f"{BASE}/clients", json=body)).status_code == 422


async def test_checks_know_a_client_by_any_of_its_ids() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna", external_ids={"crm": "1"})
        assert await here.check("anna", "crm~1") == "owner"
        assert await here.check("anna", "crm~1", "export") == "owner"
        assert await here.check("ben", "crm~1") == "no_relation"
        assert await here.check("anna", "crm~2") == "unknown_client"
        asked = [
            {"employee_id": "anna", "client_id": ref, "action": "read"} for ref in ("c-1", "crm~1", "crm~2", "c-2")
        ]
        results = (await here.house.ok("service", "POST", f"{BASE}/access/checks", json={"checks": asked}))["results"]
        assert [one["reason"] for one in results] == ["owner", "owner", "unknown_client", "unknown_client"]
        explained = await here.house.ok("service", "POST", f"{BASE}/access/check?explain=true", json=asked[1])
        assert explained["reason"] == "owner"
        entries = (await here.house.ok("auditor", "GET", f"{BASE}/journal?client_id=crm~1"))["items"]
        assert [entry["kind"] for entry in entries].count("access.checked") == 5


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "clients/crm~1", {"name": "B"}),
        ("GET", "clients/crm~1/history", None),
        ("GET", "clients/crm~1/contacts", None),
        ("PUT", "clients/crm~1/team/delivery", {"employee_id": "ben"}),
        ("POST", "clients/crm~1/interactions", {"employee_id": "ben", "kind": "call", "at": "2026-01-01T00:00:00Z"}),
        ("POST", "clients/crm~1/feedback", {"score": 3}),
        ("POST", "clients/crm~1/contacts/k/erase", {"reason": "asked for"}),
        ("GET", "access/employees?client_id=crm~1", None),
        (
            "POST",
            "usage",
            {"items": [{"employee_id": "anna", "client_id": "crm~1", "action": "read", "system": "crm"}]},
        ),
    ],
)
async def test_every_door_takes_it(method: str, path: str, body: Any) -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna", external_ids={"crm": "1"}, contacts=[{"id": "k", "name": "Kim"}])
        if path == "usage":
            body = {"items": [{**body["items"][0], "at": here.house.clock().isoformat()}]}
        answer = await here.house.call("service", method, f"{BASE}/{path}", **({} if body is None else {"json": body}))
        assert answer.status_code in (200, 201), answer.text
        if path == "usage":
            assert answer.json()["recorded"] == 1
        if "client_id" in answer.json():
            assert answer.json()["client_id"] == "c-1"
            assert answer.headers["Location"] == f"{BASE}/clients/c-1"


async def test_a_pass_is_given_and_listed_by_it() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna", external_ids={"crm": "1"})
        await here.resign("anna", "ben")
        now = here.house.clock()
        body = {"employee_id": "anna", "client_id": "crm~1", "purpose": "work", "from": now.isoformat()}
        until = {"until": (now + timedelta(hours=8)).isoformat()}
        given = await here.house.ok("hr", "POST", f"{BASE}/access/passes", json={**body, **until})
        assert given["client_id"] == "c-1"
        listed = await here.house.ok("hr", "GET", f"{BASE}/access/passes?client_id=crm~1")
        assert [one["id"] for one in listed["items"]] == [given["id"]]


async def test_clients_have_a_status_and_what_they_may_bring() -> None:
    async with town("anna") as here:
        made = await here.client("c-1", "anna", status="prospect", expected_value="900.5")
        assert (made["status"], made["expected_value"]) == ("prospect", "900.50")
        plain = await here.client("c-2", "anna")
        assert (plain["status"], plain["expected_value"]) == ("active", None)
        await here.house.ok(ANNA, "PATCH", f"{BASE}/clients/c-2", json={"status": "closed"})
        (event,) = await here.house.sent("clients", "client.changed")
        assert (event.data.status, event.data.expected_value) == ("closed", None)
        for status, ids in (("prospect", ["c-1"]), ("closed", ["c-2"]), ("active", [])):
            listed = await here.house.ok(ANNA, "GET", f"{BASE}/clients?status={status}")
            assert [client["id"] for client in listed["items"]] == ids
        answer = await here.house.call("service", "GET", f"{BASE}/portfolio?employee_id=anna")
        assert '"status": "prospect", "expected_value": "900.50"' in answer.text


async def test_the_fingerprint_of_a_registration_is_that_of_before_there_was_a_status() -> None:
    """So that a repeated registration, and an old file, are known again after an upgrade."""
    from services.clients.register.api import NewClientBody, to_registration

    body = NewClientBody.model_validate({"id": "c", "name": "A", "owner_id": "anna", "contacts": [{"name": "E"}]})
    assert to_registration(body, "c").body == (
        '{"id":"c","name":"A","owner_id":"anna","value":null,"effort":1.0,"regions":[],"languages":[],'
        '"contacts":[{"name":"E","email":null,"phone":null}],"team":{}}'
    )
