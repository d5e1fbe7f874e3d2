"""Bad input: a clear error of contract.md's kind, nothing half done, no 500, no input echoed."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.services.orders.company import FLOW, open_company, place_order
from tests.support.house import House

BASE = "/orders/v1"
BOSS = (["director", "service"], "boss")  # no refusal of these comes from a right that is missing
SECRET = "Carla-is-ill"  # what must not come back
AS_JSON = {"Content-Type": "application/json"}
STAGE = {"name": "placement", "function": "sales", "effort": 1, "days": 1}
ORDER = {
    "id": "o-2",
    "client_id": "c-1",
    "flow_id": "standard",
    "value": "100.00",
    "origin": "own",
    "placed_on": "2026-01-05",
}
PERIOD = {"client_ids": ["c-1"], "from": "2026-01-01", "until": "2026-01-31"}

# For each door that takes JSON a body that is right by itself: what is refused below is what was made of it.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "flows"): {**FLOW, "id": "other"},
    ("POST", "flows/{flow_id}/versions"): {"name": "Short", "stages": [STAGE]},
    ("POST", "orders"): ORDER,
    ("POST", "orders/{order_id}/cancel"): {"reason": "x"},
    ("PUT", "orders/{order_id}/stages/{name}/assignee"): {"employee_id": "boris"},
    ("POST", "orders/{order_id}/stages/{name}/start"): {},
    ("POST", "orders/{order_id}/stages/{name}/complete"): {},
    ("POST", "figures"): PERIOD,
}
IDS = {"flow_id": "standard", "order_id": "o-1", "name": "placement"}


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    """One for all: that each refusal leaves everything as it was is what is asserted of each."""
    async with open_company() as founded:
        await place_order(founded, "o-1")
        yield founded


async def all_rows(house: House) -> dict[str, list[dict[str, Any]]]:
    """Every table, the outbox among them."""
    return {
        name: await house.rows("orders", f"SELECT * FROM {name} t ORDER BY CAST(t AS text)")
        for name in house.runtime("orders").service.metadata.tables
    }


async def refuses(house: House, method: str, path: str, status: int, **request: Any) -> dict[str, Any]:
    """The problem that is answered, once all that is written anywhere was seen to be as before."""
    before = await all_rows(house)
    answer = await house.call(BOSS, method, f"{BASE}/{path.format_map(IDS)}", **request)
    assert answer.status_code == status, f"{method} {path}: {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "instance", "errors", "trace_id"} <= problem.keys()
    assert SECRET not in answer.text
    assert await all_rows(house) == before
    return problem


async def test_every_door_that_takes_json_is_tried_here(house: House) -> None:
    document = (await house.http.get("/orders/openapi.json")).json()
    assert BODIES.keys() == {
        (method.upper(), path.removeprefix(f"{BASE}/"))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }


@pytest.mark.parametrize("door", BODIES, ids=" ".join)
async def test_what_is_not_json_is_malformed(house: House, door: tuple[str, str]) -> None:
    for content in (b"{", b"[]]", b"\xff\xfe", f'{{"{SECRET}"'.encode(), f"{SECRET}={SECRET}".encode(), b"[" * 100_000):
        problem = await refuses(house, *door, 400, content=content, headers=AS_JSON)
        assert problem["reason"] == "malformed_json"


@pytest.mark.parametrize("door", BODIES, ids=" ".join)
async def test_a_field_that_is_not_known_is_refused(house: House, door: tuple[str, str]) -> None:
    problem = await refuses(house, *door, 422, json={**BODIES[door], SECRET: SECRET})
    assert [error["type"] for error in problem["errors"]] == ["extra_forbidden"]


@pytest.mark.parametrize("door", BODIES, ids=" ".join)
async def test_a_body_of_ten_megabytes_is_too_large(house: House, door: tuple[str, str]) -> None:
    large = json.dumps({**BODIES[door], SECRET: "x" * 10_000_000}).encode()
    assert (await refuses(house, *door, 413, content=large, headers=AS_JSON))["reason"] == "too_large"


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"line":1}', b'[{"line":1,"data":{}}]'])
async def test_an_import_whose_lines_cannot_be_told_apart_imports_nothing(house: House, content: bytes) -> None:
    good = json.dumps({"line": 1, "data": ORDER}).encode()
    headers = {"Content-Type": "application/x-ndjson"}
    problem = await refuses(house, "POST", "imports?kind=orders", 400, content=good + b"\n" + content, headers=headers)
    assert problem["reason"] == "malformed_json"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "flows", {**FLOW, "id": f"{SECRET} "}, 422),
        ("POST", "flows", {**FLOW, "stages": []}, 422),
        ("POST", "flows", {**FLOW, "id": "f", "stages": [STAGE, STAGE]}, 422),
        ("POST", "flows", {**FLOW, "id": "f", "stages": [{**STAGE, "days": -1}]}, 422),
        ("POST", "flows", {**FLOW, "id": "f", "stages": [{**STAGE, "effort": True}]}, 422),
        ("POST", "flows", {**FLOW, "id": "f", "separate": [["placement", SECRET]]}, 422),
        ("POST", "flows", {**FLOW, "name": "Another content"}, 409),
        ("POST", f"flows/{SECRET}/versions", BODIES["POST", "flows/{flow_id}/versions"], 404),
        ("POST", "flows/a%20b/versions", BODIES["POST", "flows/{flow_id}/versions"], 422),
        ("POST", "orders", {**ORDER, "id": "x" * 65}, 422),
        ("POST", "orders", {**ORDER, "id": f"{SECRET}\u0000"}, 422),
        ("POST", "orders", b'{"id":"\\ud800"}', 422),
        ("POST", "orders", {**ORDER, "client_id": SECRET}, 422),
        ("POST", "orders", {**ORDER, "flow_id": SECRET}, 422),
        ("POST", "orders", {**ORDER, "value": "-1"}, 422),
        ("POST", "orders", {**ORDER, "value": "1e400"}, 422),
        ("POST", "orders", {**ORDER, "value": "0.001"}, 422),
        ("POST", "orders", {**ORDER, "origin": SECRET}, 422),
        ("POST", "orders", {**ORDER, "placed_on": SECRET}, 422),
        ("POST", "orders", {**ORDER, "placed_on": 0}, 422),
        ("POST", "orders", {**ORDER, "placed_on": "2026-02-30"}, 422),
        ("POST", "orders", {**ORDER, "promised_on": "2026-01-04"}, 422),
        ("POST", "orders", {**ORDER, "delivered_on": "2026-01-04"}, 422),
        ("POST", "orders", {**ORDER, "cancelled_on": "2026-01-04"}, 422),
        ("POST", "orders", {**ORDER, "delivered_on": "2026-01-06", "cancelled_on": "2026-01-06"}, 422),
        ("POST", "orders", {**ORDER, "delivered_on": "2999-01-01"}, 422),
        ("POST", "orders", {**ORDER, "assignees": {SECRET: "anna"}}, 422),
        ("POST", "orders", {**ORDER, "assignees": {"placement": SECRET}}, 422),
        ("POST", "orders", {**ORDER, "assignees": {"placement": f"{SECRET} "}}, 422),
        ("POST", "orders/{order_id}/cancel", {}, 422),
        ("POST", "orders/{order_id}/cancel", {"reason": f"{SECRET}\u0000"}, 422),
        ("POST", f"orders/{SECRET}/cancel", {"reason": "x"}, 404),
        ("POST", "orders/a%20b/cancel", {"reason": "x"}, 422),
        ("POST", f"orders/{SECRET}/stages/placement/start", None, 404),
        ("POST", f"orders/o-1/stages/{SECRET}/complete", None, 404),
        ("POST", "orders/o-1/stages/%00/complete", None, 422),
        ("POST", "orders/o-1/stages/placement/complete", None, 409),
        ("PUT", "orders/o-1/stages/placement/assignee", {}, 422),
        ("PUT", "orders/o-1/stages/placement/assignee", {"employee_id": f"{SECRET} "}, 422),
        ("PUT", "orders/o-1/stages/placement/assignee", {"employee_id": SECRET}, 422),
        ("PUT", f"orders/o-1/stages/{SECRET}/assignee", {"employee_id": "boris"}, 404),
        ("POST", "figures", {**PERIOD, "client_ids": [f"{SECRET} "]}, 422),
        ("POST", "figures", {**PERIOD, "client_ids": ["c-1"] * 1001}, 422),
        ("POST", "figures", {**PERIOD, "until": SECRET}, 422),
        ("POST", "imports?kind=clients", b"", 422),
        ("POST", "imports?kind=orders", b"", 415),
        ("GET", "orders?status=asleep", None, 422),
        ("GET", f"orders?client_id={SECRET}%20", None, 422),
        ("GET", "orders?cursor=nonsense", None, 422),
        ("GET", "orders/%00", None, 422),
        ("GET", f"orders/{SECRET}", None, 404),
        ("GET", "flows/standard/versions/0", None, 422),
        ("GET", "nowhere", None, 404),
        ("DELETE", "orders/o-1", None, 405),
    ],
)
async def test_what_cannot_be_right_is_refused_and_nothing_happens(
    house: House, method: str, path: str, body: Any, status: int
) -> None:
    sent = {"content": body, "headers": AS_JSON} if isinstance(body, bytes) else {} if body is None else {"json": body}
    await refuses(house, method, path, status, **sent)
