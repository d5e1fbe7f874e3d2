"""Bad input: a clear error of contract.md's kind, nothing half done, no 500, no input echoed."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.services.clients.town import BASE, Town, town

CLIENT = {"id": "c-1", "name": "A", "owner_id": "anna"}
USED = {"employee_id": "anna", "client_id": "c-0", "action": "read", "at": "2026-01-01T00:00:00Z", "system": "crm"}
SECRET = "Erika-is-ill"  # what must not come back


@pytest.fixture(scope="module")
async def here() -> AsyncIterator[Town]:
    """One for all: that each refusal leaves everything as it was is what is asserted of each."""
    async with town("anna", "ben") as founded:
        await founded.client("c-0", "anna")
        yield founded


async def all_rows(here: Town) -> dict[str, list[dict[str, Any]]]:
    """Every table, the outbox and the journal among them."""
    return {
        name: await here.house.rows("clients", f"SELECT * FROM {name} t ORDER BY CAST(t AS text)")
        for name in here.house.runtime("clients").service.metadata.tables
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "clients", b"{", 400),
        ("POST", "clients", b"\xff\xfe", 400),
        ("POST", "clients", b"[" * 100_000, 400),
        ("POST", "clients", {**CLIENT, SECRET: 1}, 422),
        ("POST", "clients", {**CLIENT, "id": f"a b {SECRET}"}, 422),
        ("POST", "clients", {**CLIENT, "id": "x" * 65}, 422),
        ("POST", "clients", {**CLIENT, "name": f"{SECRET}\u0000"}, 422),
        ("POST", "clients", {**CLIENT, "name": ""}, 422),
        ("POST", "clients", {**CLIENT, "value": "-1"}, 422),
        ("POST", "clients", {**CLIENT, "value": SECRET}, 422),
        ("POST", "clients", {**CLIENT, "value": "1e400"}, 422),
        ("POST", "clients", {**CLIENT, "effort": -1}, 422),
        ("POST", "clients", {**CLIENT, "contacts": [{"phone": SECRET}]}, 422),
        ("POST", "clients", {**CLIENT, "team": {SECRET + " ": "anna"}}, 422),
        ("POST", "clients", {**CLIENT, "regions": ["x"] * 101}, 422),
        ("POST", "clients", b'{"id":"c","name":"\\ud800","owner_id":"anna"}', 422),
        ("PATCH", "clients/c-0", {"owner_id": "ben"}, 422),
        ("PATCH", "clients/c-0", {"name": None}, 422),
        ("PATCH", "clients/c-0", {"effort": "many"}, 422),
        ("PATCH", "clients/c-0", {"status": SECRET}, 422),
        ("PATCH", "clients/c-0", {"external_ids": {"crm": SECRET + " "}}, 422),
        ("PATCH", "clients/c-0", {"external_ids": {"merged": "c-1"}}, 422),
        ("POST", "clients", {**CLIENT, "expected_value": "-1"}, 422),
        ("POST", "clients", {**CLIENT, "external_ids": {"crm": None}}, 422),
        ("POST", "clients", {**CLIENT, "contacts": [{"id": "k", "name": "A"}] * 2}, 422),
        ("POST", "clients/c-0/contacts", {"name": f"{SECRET}\u0000"}, 422),
        ("PATCH", "clients/c-0/contacts/k", {"name": None}, 422),
        ("GET", "clients/crm~", None, 422),
        ("GET", "clients/crm~1~2", None, 422),
        ("PUT", "clients/c-0/team/sales", {}, 422),
        (
            "POST",
            "clients/c-0/interactions",
            {"employee_id": "anna", "kind": "party", "at": "2026-01-01T00:00:00Z"},
            422,
        ),
        ("POST", "clients/c-0/interactions", {"employee_id": "anna", "kind": "call", "at": "2026-01-01T00:00:00"}, 422),
        ("POST", "clients/c-0/interactions", {"employee_id": "anna", "kind": "call", "at": "99999-01-01"}, 422),
        ("POST", "clients/c-0/feedback", {"score": 11}, 422),
        ("POST", "clients/c-0/feedback", {"score": 5, "note": f"{SECRET}\u0000"}, 422),
        ("POST", "transfers", {"items": [{}] * 100_001, "reason": "x"}, 422),
        ("PUT", "clients/c-0", {"owner_id": "anna"}, 422),
        ("PUT", "clients/c-0", {"name": "A", SECRET: 1}, 422),
        ("PUT", "clients/c-0", {"name": "A", "status": SECRET}, 422),
        ("PUT", "clients/merged~1", {"name": "A", "owner_id": "anna"}, 422),
        ("POST", "clients/batch", {"items": [{}] * 1_001}, 422),
        ("POST", "clients/batch", {"items": [], SECRET: 1}, 422),
        ("POST", "clients/batch", b"{", 400),
        ("POST", "clients/c-0/merge", {"into_id": SECRET + " "}, 422),
        ("POST", "clients/c-0/merge", {"into_id": "c-0"}, 409),
        ("POST", "clients/c-0/merge", {}, 422),
        ("POST", "transfers", {"items": [], "reason": ""}, 422),
        ("POST", "access/freezes", {"employee_id": "anna", "reason": "\u0000"}, 422),
        ("POST", "access/passes", {"employee_id": "anna", "client_id": "c-0", "purpose": "work"}, 422),
        ("POST", "access/export-grants", {"employee_id": "anna"}, 422),
        ("POST", "access/export-grants", {"employee_id": "anna", "reason": "\u0000"}, 422),
        ("POST", "access/export-grants", {"employee_id": "anna", "reason": "r", "clients": 0}, 422),
        ("POST", "access/export-grants", {"employee_id": "anna", "reason": "r", "clients": True}, 422),
        ("POST", "access/export-grants", {"employee_id": "anna", "reason": "r", "on": 7}, 422),
        ("POST", "access/export-grants", {"employee_id": "anna", "reason": "r", "on": "2020-01-01"}, 422),
        ("POST", "access/export-grants", {"employee_id": "anna", "reason": "r", SECRET: 1}, 422),
        ("POST", "access/check?explain=perhaps", {"employee_id": "anna", "client_id": "c-0", "action": "read"}, 422),
        ("GET", "access/export-grants?on=never", None, 422),
        ("POST", "journal/holds", {"employee_id": "anna"}, 422),
        ("POST", "journal/holds", {"employee_id": "anna", "reason": "\u0000"}, 422),
        ("POST", "journal/holds", {"employee_id": "a b", "reason": "r"}, 422),
        ("POST", "journal/holds", {"employee_id": "anna", "reason": "r", SECRET: 1}, 422),
        ("GET", "journal/export?from=-1", None, 422),
        ("GET", "journal/export?since=never", None, 422),
        ("GET", "journal/proofs/consistency?from=0", None, 422),
        ("POST", "usage", {"items": []}, 422),
        ("POST", "usage", {"items": [USED] * 1_001}, 422),
        ("POST", "usage", {"items": [{**USED, "action": SECRET}]}, 422),
        ("POST", "usage", {"items": [{**USED, "rows": 0}]}, 422),
        ("POST", "usage", {"items": [{**USED, "rows": True}]}, 422),
        ("POST", "usage", {"items": [{**USED, "at": "2026-01-01T00:00:00"}]}, 422),
        ("POST", "usage", {"items": [{**USED, "system": ""}]}, 422),
        ("POST", "usage", {"items": [{**USED, "note": SECRET}]}, 422),
        ("GET", "exposure/anna?days=181", None, 422),
        ("GET", "exposure/anna?days=0", None, 422),
        ("GET", f"exposure/{SECRET}%20", None, 422),
        ("GET", "clients?limit=0", None, 422),
        ("GET", "clients?cursor=nonsense", None, 422),
        ("GET", f"clients?owner_id={SECRET}%20", None, 422),
        ("GET", "clients/a%20b", None, 422),
        ("GET", "clients/%00", None, 422),
        ("GET", "export?format=pdf", None, 422),
        ("GET", "access/clients?employee_id=anna&action=steal", None, 422),
        ("GET", "access/freezes?since=yesterday", None, 422),
        ("POST", "imports?kind=orders", b"", 422),
        ("GET", "nowhere", None, 404),
        ("DELETE", "clients/c-0", None, 405),
    ],
)
async def test_what_cannot_be_right_is_refused_and_nothing_happens(
    here: Town, method: str, path: str, body: Any, status: int
) -> None:
    before = await all_rows(here)
    as_json = {"Content-Type": "application/json"}
    sent = {"content": body, "headers": as_json} if isinstance(body, bytes) else {} if body is None else {"json": body}
    who = (["director", "service", "employee", "hr", "auditor"], "anna" if method in ("PATCH", "PUT") else "boss")
    answer = await here.house.call(who, method, f"{BASE}/{path}", **sent)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "instance", "errors", "trace_id"} <= answer.json().keys()
    assert SECRET not in answer.text
    assert await all_rows(here) == before


async def test_a_body_of_ten_megabytes_is_too_large_but_for_transfers_and_imports(here: Town) -> None:
    before = await all_rows(here)
    large = b" " * 10_000_000
    for method, path, status in (
        ("POST", "clients", 413),
        ("PATCH", "clients/c-0", 413),
        ("PUT", "clients/c-0/team/sales", 413),
        ("POST", "clients/c-0/interactions", 413),
        ("POST", "clients/c-0/feedback", 413),
        ("POST", "clients/c-0/contacts", 413),
        ("PATCH", "clients/c-0/contacts/k", 413),
        ("POST", "access/checks", 413),
        ("POST", "access/check", 413),
        ("POST", "access/freezes", 413),
        ("POST", "access/passes", 413),
        ("POST", "access/export-grants", 413),
        ("POST", "journal/holds", 413),
        ("POST", "usage", 413),
        ("POST", "imports?kind=clients", 200),
    ):
        answer = await here.house.call("service", method, f"{BASE}/{path}", content=large)
        assert answer.status_code == status, path
    assert (await here.house.call("director", "POST", f"{BASE}/transfers", content=large)).status_code == 400
    assert await all_rows(here) == before


async def test_a_cursor_of_another_list_does_no_harm(here: Town) -> None:
    cursor = base64.urlsafe_b64encode(b'["not a number"]').decode()
    for who, path in (
        ("director", "clients"),
        ("auditor", "journal"),
        ("hr", "access/freezes"),
        ("hr", "access/passes"),
        ("hr", "access/export-grants"),
    ):
        answer = await here.house.call(who, "GET", f"{BASE}/{path}?cursor={cursor}")
        assert answer.status_code in (200, 422), path
