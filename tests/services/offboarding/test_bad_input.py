"""Bad input: a clear error of contract.md's kind, nothing half done, no 500, no input echoed."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.services.offboarding.company import HEAD, approve, company, listed, resign
from tests.support.house import House

BASE = "/offboarding/v1"
BOSS = (["director", "hr"], "boss")  # no refusal of these comes from a right that is missing
SECRET = "Nora-is-ill"  # what must not come back
AS_JSON = {"Content-Type": "application/json"}
DUE = {"working_days": 1}
ENTRY = {"title": "Return the laptop", "who": "hr", "due": DUE}
DOCUMENT = {"title": "Prices", "kind": "sheet", "location": "shelf 3"}

# For each door that takes a body one that is right by itself: what is refused below is what was made of it.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "cases/{case_id}/retry"): {"step": "plan"},
    ("POST", "cases/{case_id}/skip"): {"reason": "x"},
    ("POST", "cases/{case_id}/plan/approval"): {"version": 1},
    ("POST", "plans"): {"employee_id": "otto"},
    ("POST", "tasks/{task_id}/complete"): {"proof": "x"},
    ("POST", "tasks/{task_id}/waive"): {"reason": "x"},
    ("PUT", "checklist"): {"items": [ENTRY]},
    ("POST", "cases/{case_id}/documents"): DOCUMENT,
    ("POST", "documents/{document_id}/hand_over"): {"receiver_id": "otto"},
    ("POST", "documents/{document_id}/receive"): {},
    ("POST", "introductions/{introduction_id}/accept"): {"form": "call"},
    ("POST", "introductions/{introduction_id}/brief"): {"pitfalls": "x"},
    ("POST", "introductions/{introduction_id}/introduce"): {},
    ("POST", "introductions/{introduction_id}/confirm"): {"by": "Maria"},
    ("POST", "introductions/{introduction_id}/refuse"): {"by": "client", "reason": "x"},
    ("POST", "visits/{visit_id}/outcome"): {"outcome": "kept"},
}


class Underway:
    """Two departures: `nora`'s is transferred and at its introductions, `otto`'s plan waits to be approved."""

    def __init__(self, house: House, ids: dict[str, str]) -> None:
        self.house, self.ids = house, ids

    async def refuses(self, method: str, path: str, status: int, **request: Any) -> dict[str, Any]:
        """The problem that is answered, once all that is written anywhere was seen to be as before."""
        before = await self.all_rows()
        answer = await self.house.call(BOSS, method, f"{BASE}/{path.format_map(self.ids)}", **request)
        assert answer.status_code == status, f"{method} {path}: {answer.text}"
        assert answer.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = answer.json()
        assert {"type", "title", "status", "detail", "instance", "errors", "trace_id"} <= problem.keys()
        assert SECRET not in answer.text
        assert await self.all_rows() == before
        return problem

    async def all_rows(self) -> dict[str, list[dict[str, Any]]]:
        """Every table, the outbox among them."""
        tables = self.house.runtime("offboarding").service.metadata.tables
        return {
            name: await self.house.rows("offboarding", f"SELECT * FROM {name} t ORDER BY CAST(t AS text)")
            for name in tables
        }


@pytest.fixture(scope="module")
async def underway() -> AsyncIterator[Underway]:
    """One for all: that each refusal leaves everything as it was is what is asserted of each."""
    async with company() as house:
        moved = await approve(house, await resign(house))
        planned = await resign(house, "otto")
        document = await house.ok(BOSS, "POST", f"{BASE}/cases/{moved['id']}/documents", json=DOCUMENT)
        tasks, visits = await listed(house, f"tasks?case_id={moved['id']}"), await listed(house, "visits")
        introductions = await listed(house, f"cases/{moved['id']}/introductions")
        ids = {
            "case_id": planned["id"],
            "moved_id": moved["id"],
            "task_id": tasks[0]["id"],
            "document_id": document["id"],
            "introduction_id": introductions[0]["id"],
            "visit_id": visits[0]["id"],
        }
        assert (await house.ok(HEAD, "GET", f"{BASE}/cases/{planned['id']}/plan"))["status"] == "proposed"
        yield Underway(house, ids)


async def test_every_door_that_takes_a_body_is_tried_here(underway: Underway) -> None:
    document = (await underway.house.http.get("/offboarding/openapi.json")).json()
    assert BODIES.keys() == {
        (method.upper(), path.removeprefix(f"{BASE}/"))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "requestBody" in operation
    }


@pytest.mark.parametrize("door", BODIES, ids=" ".join)
async def test_what_is_not_json_is_malformed(underway: Underway, door: tuple[str, str]) -> None:
    for content in (b"{", b"[]]", b"\xff\xfe", f'{{"{SECRET}"'.encode(), f"{SECRET}={SECRET}".encode(), b"[" * 100_000):
        problem = await underway.refuses(*door, 400, content=content, headers=AS_JSON)
        assert problem["reason"] == "malformed_json"


@pytest.mark.parametrize("door", BODIES, ids=" ".join)
async def test_a_field_that_is_not_known_is_refused(underway: Underway, door: tuple[str, str]) -> None:
    problem = await underway.refuses(*door, 422, json={**BODIES[door], SECRET: SECRET})
    assert [error["type"] for error in problem["errors"]] == ["extra_forbidden"]


@pytest.mark.parametrize("door", BODIES, ids=" ".join)
async def test_a_body_of_ten_megabytes_is_too_large(underway: Underway, door: tuple[str, str]) -> None:
    large = json.dumps({**BODIES[door], SECRET: "x" * 10_000_000}).encode()
    assert (await underway.refuses(*door, 413, content=large, headers=AS_JSON))["reason"] == "too_large"


@pytest.mark.parametrize("door", [door for door in BODIES if "{" in door[1]], ids=" ".join)
async def test_an_id_that_cannot_be_one_is_invalid_and_one_that_nobody_has_is_not_found(
    underway: Underway, door: tuple[str, str]
) -> None:
    method, (before, _, after) = door[0], door[1].replace("{", "}").split("}")
    for id, status in ((f"a%20b{SECRET}", 422), ("%00", 422), ("x" * 65, 422), (SECRET, 404)):
        await underway.refuses(method, f"{before}{id}{after}", status, json=BODIES[door])


def edits(*items: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "edits": list(items)}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "cases/{case_id}/retry", {"step": SECRET}, 422),
        ("POST", "cases/{case_id}/retry", [], 422),
        ("POST", "cases/{case_id}/skip", {"reason": ""}, 422),
        ("POST", "cases/{case_id}/skip", {"reason": f"{SECRET}\u0000"}, 422),
        ("POST", "cases/{case_id}/skip", {"step": "plan"}, 422),
        ("POST", "cases/{case_id}/plan/approval", {}, 422),
        ("POST", "cases/{case_id}/plan/approval", {"version": 0}, 422),
        ("POST", "cases/{case_id}/plan/approval", {"version": "1"}, 422),
        ("POST", "cases/{case_id}/plan/approval", {"version": True}, 422),
        ("POST", "cases/{case_id}/plan/approval", {"version": 2}, 409),
        ("POST", "cases/{case_id}/plan/approval", edits({"to_id": "petra"}), 422),
        ("POST", "cases/{case_id}/plan/approval", edits({"client_id": "c-1", "to_id": f"{SECRET} "}), 422),
        ("POST", "cases/{case_id}/plan/approval", edits({"client_id": SECRET, "to_id": "petra"}), 422),
        ("POST", "cases/{case_id}/plan/approval", edits({"order_id": "o-1", "to_id": "petra"}), 422),
        ("POST", "cases/{case_id}/plan/approval", edits({"client_id": "c-1", "stage": "x", "to_id": "petra"}), 422),
        ("POST", "cases/{case_id}/plan/approval", edits(*({"client_id": "c-1", "to_id": "petra"},) * 2), 422),
        ("POST", "plans", {"employee_id": SECRET}, 404),
        ("POST", "plans", {"employee_id": f"{SECRET} "}, 422),
        ("POST", "plans", {"employee_id": None}, 422),
        ("POST", "tasks/{task_id}/complete", {"proof": "x" * 10_001}, 422),
        ("POST", "tasks/{task_id}/complete", {"proof": 1}, 422),
        ("POST", "tasks/{task_id}/waive", {}, 422),
        ("PUT", "checklist", {}, 422),
        ("PUT", "checklist", {"items": [{**ENTRY, "title": f"{SECRET}\n"}]}, 422),
        ("PUT", "checklist", {"items": [{**ENTRY, "who": SECRET}]}, 422),
        ("PUT", "checklist", {"items": [{**ENTRY, "kind": SECRET}]}, 422),
        ("PUT", "checklist", {"items": [{**ENTRY, "kind": "approval"}]}, 422),
        ("PUT", "checklist", {"items": [{**ENTRY, "kind": "badge"}] * 2}, 422),
        ("PUT", "checklist", {"items": [{**ENTRY, "due": {"working_days": -1}}]}, 422),
        ("PUT", "checklist", {"items": [{**ENTRY, "due": {"working_days": 1.5}}]}, 422),
        ("PUT", "checklist", {"items": [{**ENTRY, "due": {**DUE, "counted_from": SECRET}}]}, 422),
        ("PUT", "checklist", {"items": [ENTRY] * 101}, 422),
        ("POST", "cases/{case_id}/documents", {**DOCUMENT, "id": f"{SECRET} "}, 422),
        ("POST", "cases/{case_id}/documents", {**DOCUMENT, "client_id": "x" * 65}, 422),
        ("POST", "cases/{case_id}/documents", {**DOCUMENT, "title": ""}, 422),
        ("POST", "cases/{case_id}/documents", {**DOCUMENT, "location": f"{SECRET}\u0000"}, 422),
        ("POST", "cases/{case_id}/documents", b'{"title":"\\ud800","kind":"x","location":"x"}', 422),
        ("POST", "documents/{document_id}/hand_over", {"receiver_id": f"{SECRET} "}, 422),
        ("POST", "documents/{document_id}/hand_over", {"receiver_id": SECRET}, 422),
        ("POST", "documents/{document_id}/hand_over", {"receiver_id": "nora"}, 409),
        ("POST", "documents/{document_id}/receive", None, 409),
        ("POST", "introductions/{introduction_id}/accept", {"form": SECRET}, 422),
        ("POST", "introductions/{introduction_id}/brief", {"next_date": SECRET}, 422),
        ("POST", "introductions/{introduction_id}/brief", {"next_date": "2026-02-30"}, 422),
        ("POST", "introductions/{introduction_id}/brief", {"next_date": "1899-12-31"}, 422),
        ("POST", "introductions/{introduction_id}/brief", {"next_date": "3000-01-01"}, 422),
        ("POST", "introductions/{introduction_id}/brief", {"next_date": 0}, 422),
        ("POST", "introductions/{introduction_id}/brief", {"situation": f"{SECRET}\u0000"}, 422),
        ("POST", "introductions/{introduction_id}/brief", {"pitfalls": "before it is accepted"}, 409),
        ("POST", "introductions/{introduction_id}/confirm", {"by": f"{SECRET}\n"}, 422),
        ("POST", "introductions/{introduction_id}/confirm", {}, 409),
        ("POST", "introductions/{introduction_id}/refuse", {"by": SECRET, "reason": "x"}, 422),
        ("POST", "introductions/{introduction_id}/refuse", {"by": "client"}, 422),
        ("POST", "visits/{visit_id}/outcome", {"outcome": SECRET}, 422),
        ("POST", "visits/{visit_id}/outcome", {"outcome": "kept", "note": f"{SECRET}\u0000"}, 422),
        ("GET", "cases?status=asleep", None, 422),
        ("GET", f"cases?employee_id={SECRET}%20", None, 422),
        ("GET", "tasks?limit=0", None, 422),
        ("GET", "visits?cursor=nonsense", None, 422),
        ("GET", "cases/{moved_id}/certificate", None, 409),
        ("GET", "nowhere", None, 404),
        ("DELETE", "checklist", None, 405),
    ],
)
async def test_what_cannot_be_right_is_refused_and_nothing_happens(
    underway: Underway, method: str, path: str, body: Any, status: int
) -> None:
    sent = {"content": body, "headers": AS_JSON} if isinstance(body, bytes) else {} if body is None else {"json": body}
    await underway.refuses(method, path, status, **sent)


async def test_a_cursor_of_another_list_is_refused(underway: Underway) -> None:
    foreign = base64.urlsafe_b64encode(b'["a", "b", "c"]').decode()
    for path in (f"cases/{underway.ids['case_id']}/timeline", "followups"):
        answer = await underway.house.call(BOSS, "GET", f"{BASE}/{path}?cursor={foreign}")
        assert (answer.status_code, answer.json()["reason"]) == (422, "unknown_cursor")
