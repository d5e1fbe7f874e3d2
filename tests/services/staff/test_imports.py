"""Many people at once: set by set, a result for each line, repeatable."""

import json
from typing import Any

from tests.services.staff.company import Company, company, employee

E = "/staff/v1/employees"
NDJSON = {"Content-Type": "application/x-ndjson"}


def row(id: str, **fields: Any) -> dict[str, Any]:
    return employee(id, **fields)


async def load(staff: Company, kind: str, rows: list[Any], **params: Any) -> list[dict[str, Any]]:
    body = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    answer = await staff.house.call(
        "ops", "POST", "/staff/v1/imports", params={"kind": kind, **params}, content=body, headers=NDJSON
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def outcomes(results: list[dict[str, Any]]) -> list[str]:
    return [result["reason"] or result["outcome"] for result in results]


async def test_a_file_creates_people_with_their_managers_in_whatever_order() -> None:
    async with company(sellers=0) as staff:
        rows = [row("c", manager_id="b"), row("b", manager_id="a"), row("a", manager_id="boss", deputy_id="c")]
        results = await load(staff, "employees", rows)
        assert results[0] == {"line": 1, "id": "c", "outcome": "created", "reason": None}
        assert outcomes(results) == ["created"] * 3
        person = await staff.get("a")
        assert (person["status"], person["deputy_id"], person["manager_id"]) == ("active", "c", "boss")
        assert await staff.events("a") == ["employee.hired"]


async def test_a_second_run_of_the_same_file_changes_nothing() -> None:
    async with company(sellers=0) as staff:
        rows = [row("a"), row("b")]
        await load(staff, "employees", rows)
        sent = len(await staff.house.sent("staff"))
        assert outcomes(await load(staff, "employees", rows)) == ["unchanged"] * 2
        assert len(await staff.house.sent("staff")) == sent


async def test_a_row_is_compared_with_the_row_last_imported_not_with_the_present() -> None:
    async with company(sellers=0) as staff:
        await load(staff, "employees", [row("a", position="Seller")])
        await staff.house.ok("hr", "PATCH", f"{E}/a", json={"department_id": "company", "position": "Lead"})
        assert outcomes(await load(staff, "employees", [row("a", position="Seller")])) == ["unchanged"]
        assert outcomes(await load(staff, "employees", [row("a", position="Seller", regions=["asia"])])) == ["updated"]
        person = await staff.get("a")
        assert (person["position"], person["department_id"], person["regions"]) == ("Lead", "company", ["asia"])


async def test_an_old_file_brings_nobody_back() -> None:
    async with company(sellers=0) as staff:
        await load(staff, "employees", [row("a")])
        await staff.house.ok("hr", "POST", f"{E}/a/departure", json={"on": staff.day()})
        assert outcomes(await load(staff, "employees", [row("a")])) == ["unchanged"]
        assert (await staff.get("a"))["status"] == "left"


async def test_bad_rows_are_named_and_the_good_ones_are_kept() -> None:
    async with company() as staff:
        await staff.house.ok("hr", "POST", f"{E}/s-3/resignation", json={"last_day": staff.day(9)})
        rows: list[Any] = [
            row("good"),
            "{not json Davolio",
            row("x", email="Davolio"),
            row("y", salary=1),
            "[]",
            row("m", manager_id="unknown"),
            row("n", manager_id="m"),
            row("d", department_id="unknown"),
            row("own", deputy_id="own"),
            row("dep", deputy_id="unknown"),
            row("lea", deputy_id="s-3"),
            row("good"),
            row("r", manager_id="q"),
            row("q", manager_id="r"),
            row("boss", manager_id="s-1"),
        ]
        results = await load(staff, "employees", rows)
        assert [result["line"] for result in results] == list(range(1, 16))
        assert outcomes(results)[0] == "created"
        assert {result["outcome"] for result in results[1:]} == {"refused"}
        reasons = outcomes(results)
        assert reasons[1] == "malformed_json"
        assert reasons[2].startswith("invalid: email: ")
        assert reasons[5:12] == [
            "unknown_manager",
            "unknown_manager",
            "unknown_department",
            "own_deputy",
            "unknown_deputy",
            "deputy_is_leaving",
            "repeated_id",
        ]
        assert {reasons[12], reasons[13]} <= {"manager_cycle", "unknown_manager"}
        assert reasons[14] == "manager_cycle"
        assert "Davolio" not in str(results)
        assert len(await staff.house.rows("staff", "SELECT id FROM employees")) == 6


async def test_departments_come_first_without_heads_and_again_with_them() -> None:
    async with company(sellers=1) as staff:
        rows = [{"id": "eu", "name": "EU", "parent_id": "world"}, {"id": "world", "name": "World", "head_id": "w"}]
        assert outcomes(await load(staff, "departments", rows)) == ["unknown_department", "unknown_head"]
        bare = [rows[0], {"id": "world", "name": "World"}]
        assert outcomes(await load(staff, "departments", bare)) == ["created", "created"]
        await load(staff, "employees", [row("w", department_id="world")])
        assert outcomes(await load(staff, "departments", rows)) == ["unchanged", "updated"]
        found = await staff.house.ok("hr", "GET", "/staff/v1/departments/world")
        assert found["head_id"] == "w"
        circle = [{"id": "world", "name": "World", "head_id": "w", "parent_id": "eu"}]
        assert outcomes(await load(staff, "departments", circle)) == ["department_cycle"]
        assert "head.named" in await staff.journal()


async def test_a_dry_run_says_the_same_and_changes_nothing() -> None:
    async with company(sellers=0) as staff:
        rows = [row("b", manager_id="a"), row("a")]
        sent = len(await staff.house.sent("staff"))
        assert outcomes(await load(staff, "employees", rows, dry_run="true")) == ["created"] * 2
        assert len(await staff.house.sent("staff")) == sent
        assert (await staff.house.call("hr", "GET", f"{E}/a")).status_code == 404


async def test_lines_may_carry_their_own_number() -> None:
    async with company(sellers=0) as staff:
        results = await load(staff, "employees", [{"line": 77, "data": row("a")}, "", {"line": 5, "data": {"id": "b"}}])
        assert [(result["line"], result["outcome"]) for result in results] == [(5, "refused"), (77, "created")]


async def test_news_kept_for_somebody_takes_effect_when_they_are_imported() -> None:
    async with company(sellers=0) as staff:
        data = {"employee_id": "a", "last_day": staff.day(9)}
        assert await staff.news("employee.resigned", data, -5) == "pending"
        await load(staff, "employees", [row("a")])
        assert (await staff.get("a"))["status"] == "resigned"


async def test_thousands_of_rows_go_in_at_once() -> None:
    async with company(sellers=0) as staff:
        rows = [row(f"n-{n}", manager_id="head" if n < 10 else f"n-{n // 10}") for n in range(2500)]
        rows.reverse()
        assert set(outcomes(await load(staff, "employees", rows))) == {"created"}
        assert len(await staff.house.sent("staff", "employee.hired")) == 2502


async def test_an_import_is_ndjson_of_a_known_kind_by_somebody_who_may() -> None:
    async with company(sellers=0) as staff:
        path = "/staff/v1/imports"
        for who, params, headers, status in (
            ("ops", {"kind": "employees"}, {"Content-Type": "application/json"}, 415),
            ("ops", {"kind": "clients"}, NDJSON, 422),
            ("ops", {}, NDJSON, 422),
            ("director", {"kind": "employees"}, NDJSON, 403),
            ("employee", {"kind": "employees"}, NDJSON, 403),
            (None, {"kind": "employees"}, NDJSON, 401),
        ):
            answer = await staff.house.call(who, "POST", path, params=params, content=b"", headers=headers)
            assert answer.status_code == status, (who, params)
        huge = b"x" * 33_000_000
        answer = await staff.house.call("ops", "POST", path, params={"kind": "employees"}, content=huge, headers=NDJSON)
        assert answer.status_code == 413


async def test_the_same_import_with_its_key_is_answered_again() -> None:
    async with company(sellers=0) as staff:
        first, second = [
            await staff.house.call(
                "ops",
                "POST",
                "/staff/v1/imports",
                params={"kind": "employees"},
                content=json.dumps(row("a")),
                headers={**NDJSON, "Idempotency-Key": "k"},
            )
            for _ in range(2)
        ]
        assert json.loads(first.text) == json.loads(second.text)
        assert json.loads(first.text)["outcome"] == "created"
