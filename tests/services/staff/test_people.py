"""Employees, departments, deputies, absences, and who may see what of them."""

import asyncio
import json
from typing import Any

import pytest

from tests.services.staff.company import company, employee

E = "/staff/v1/employees"
D = "/staff/v1/departments"
JSON = {"Content-Type": "application/json"}


async def test_a_new_employee_is_active_in_a_first_employment() -> None:
    async with company() as staff:
        answer = await staff.house.call("hr", "POST", E, json=employee("new"))
        assert answer.status_code == 201
        assert answer.headers["Location"] == f"{E}/new"
        person = answer.json()
        assert (person["status"], person["functions"], person["name"]) == ("active", {"sales": 40}, "Name of new")
        [hired] = [e for e in await staff.house.sent("staff", "employee.hired") if e.subject == "employee/new"]
        assert hired.data.employment_id == person["employment_id"]
        assert "Name of" not in hired.data.model_dump_json()


async def test_without_an_id_one_is_made() -> None:
    async with company() as staff:
        body = {name: value for name, value in employee("x").items() if name != "id"}
        created = await staff.house.ok("hr", "POST", E, json=body)
        assert created["id"][14] == "7"
        assert (await staff.get(created["id"]))["name"] == "Name of x"


async def test_creating_twice_gives_the_same_answer_and_another_body_is_refused() -> None:
    async with company() as staff:
        first = await staff.house.call("hr", "POST", E, json=employee("new"))
        second = await staff.house.call("hr", "POST", E, json=employee("new"))
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json() == second.json()
        other = await staff.house.call("hr", "POST", E, json=employee("new", name="Else"))
        assert (other.status_code, other.json()["reason"]) == (409, "exists")
        for name, status in (("Sales", 409), ("New", 201), ("New", 201), ("Other", 409)):
            id = "sales" if name == "Sales" else "new"
            assert (await staff.house.call("hr", "POST", D, json={"id": id, "name": name})).status_code == status


async def test_ids_of_any_script_are_used_as_they_are() -> None:
    async with company() as staff:
        await staff.house.ok("hr", "POST", E, json=employee("Иванов.7@hr:1-б", email="i@example.com"))
        assert (await staff.get("Иванов.7@hr:1-б"))["id"] == "Иванов.7@hr:1-б"


async def test_a_change_needs_the_version_that_was_read() -> None:
    async with company() as staff:
        read = await staff.house.call("hr", "GET", f"{E}/s-1")
        tag = {"If-Match": read.headers["ETag"]}
        answer = await staff.house.call("hr", "PATCH", f"{E}/s-1", json={"position": "Lead"}, headers=tag)
        assert answer.status_code == 200
        assert answer.headers["ETag"] != read.headers["ETag"]
        assert (await staff.house.call("hr", "GET", f"{E}/s-1")).headers["ETag"] == answer.headers["ETag"]
        stale = await staff.house.call("hr", "PATCH", f"{E}/s-1", json={"position": "Else"}, headers=tag)
        assert stale.status_code == 412
        for path, body in (("deputy", {"deputy_id": "s-2"}), ("absences/a", {"from": staff.day()})):
            assert (await staff.house.call("hr", "PUT", f"{E}/s-1/{path}", json=body, headers=tag)).status_code == 412
        stale = await staff.house.call("hr", "PATCH", f"{D}/sales", json={"name": "S"}, headers={"If-Match": '"99"'})
        assert stale.status_code == 412


async def test_only_what_is_public_is_announced() -> None:
    async with company() as staff:
        before = len(await staff.events("s-1"))
        await staff.house.ok("hr", "PATCH", f"{E}/s-1", json={"name": "Another", "email": "a@example.com"})
        assert len(await staff.events("s-1")) == before
        await staff.house.ok("hr", "PATCH", f"{E}/s-1", json={"functions": {"sales": 5, "delivery": 2.5}})
        assert (await staff.events("s-1"))[before:] == ["employee.changed"]
        [event] = await staff.house.sent("staff", "employee.changed")
        assert event.data.functions == {"sales": 5, "delivery": 2.5}


async def test_the_chain_of_managers_closes_no_circle() -> None:
    async with company() as staff:
        for id, manager in (("boss", "s-1"), ("boss", "boss"), ("head", "s-1")):
            answer = await staff.house.call("hr", "PATCH", f"{E}/{id}", json={"manager_id": manager})
            assert (answer.status_code, answer.json()["reason"]) == (409, "manager_cycle")
        answer = await staff.house.call("hr", "POST", E, json=employee("own", manager_id="own"))
        assert answer.status_code == 409
        await staff.house.ok("hr", "PATCH", f"{E}/s-1", json={"manager_id": "s-2"})


async def test_the_chain_of_departments_closes_no_circle_and_heads_work_here() -> None:
    async with company() as staff:
        for id, body, status, reason in (
            ("company", {"parent_id": "sales"}, 409, "department_cycle"),
            ("sales", {"parent_id": "sales"}, 409, "department_cycle"),
            ("sales", {"parent_id": "unknown"}, 422, "unknown_department"),
            ("sales", {"head_id": "unknown"}, 422, "unknown_head"),
            ("unknown", {"name": "X"}, 404, "not_found"),
        ):
            answer = await staff.house.call("hr", "PATCH", f"{D}/{id}", json=body)
            assert (answer.status_code, answer.json()["reason"]) == (status, reason), body
        await staff.house.ok("hr", "POST", f"{E}/s-1/departure", json={"on": staff.day()})
        answer = await staff.house.call("hr", "PATCH", f"{D}/sales", json={"head_id": "s-1"})
        assert (answer.status_code, answer.json()["reason"]) == (409, "head_has_left")


async def test_a_new_head_is_announced_and_journaled() -> None:
    async with company() as staff:
        await staff.house.ok("hr", "PATCH", f"{D}/sales", json={"head_id": "s-1"})
        changed = (await staff.house.sent("staff", "department.changed"))[-1]
        assert (changed.subject, changed.data.head_id) == ("department/sales", "s-1")
        assert (await staff.journal())[-1] == "head.named"
        vacated = await staff.house.ok("hr", "PATCH", f"{D}/sales", json={"head_id": None})
        assert vacated["head_id"] is None


async def test_a_deputy_is_somebody_else_who_stays() -> None:
    async with company() as staff:
        await staff.house.ok("hr", "POST", f"{E}/s-2/resignation", json={"last_day": staff.day(9)})
        for deputy, status, reason in (
            ("s-1", 422, "own_deputy"),
            ("unknown", 422, "unknown_deputy"),
            ("s-2", 409, "deputy_is_leaving"),
        ):
            answer = await staff.house.call("hr", "PUT", f"{E}/s-1/deputy", json={"deputy_id": deputy})
            assert (answer.status_code, answer.json()["reason"]) == (status, reason)
        await staff.house.ok("hr", "PUT", f"{E}/s-1/deputy", json={"deputy_id": "s-3"})
        assert (await staff.house.sent("staff", "employee.changed"))[-1].data.deputy_id == "s-3"
        assert (await staff.journal())[-1] == "deputy.named"
        assert (await staff.house.ok("hr", "PUT", f"{E}/s-1/deputy", json={"deputy_id": None}))["deputy_id"] is None


async def test_absences_are_entered_changed_and_removed_by_id() -> None:
    async with company() as staff:
        path = f"{E}/s-1/absences/a-1"
        await staff.house.ok("hr", "PUT", path, json={"from": staff.day(), "until": staff.day(5)})
        changed = await staff.house.ok("hr", "PUT", path, json={"from": staff.day()})
        assert changed["absences"] == [{"absence_id": "a-1", "from": staff.day(), "until": None}]
        event = (await staff.house.sent("staff", "employee.changed"))[-1]
        assert [absence.absence_id for absence in event.data.absences] == ["a-1"]
        wrong = await staff.house.call("hr", "PUT", path, json={"from": staff.day(5), "until": staff.day()})
        assert (wrong.status_code, wrong.json()["reason"]) == (422, "absence_ends_before_it_begins")
        caused = await staff.house.call("hr", "PUT", path, json={"from": staff.day(), "cause": "flu"})
        assert (caused.status_code, "flu" in caused.text) == (422, False)
        assert (await staff.house.call("hr", "DELETE", path)).status_code == 204
        assert (await staff.house.call("hr", "DELETE", path)).status_code == 404
        assert (await staff.get("s-1"))["absences"] == []


async def test_lists_are_filtered_and_paged() -> None:
    async with company(sellers=5) as staff:
        house = staff.house
        await house.ok("hr", "POST", f"{E}/s-1/resignation", json={"last_day": staff.day(9)})
        await house.ok("hr", "PATCH", f"{E}/s-2", json={"functions": {"delivery": 1}})

        async def ids(**params: Any) -> list[str]:
            return [item["id"] for item in (await house.ok("hr", "GET", E, params=params))["items"]]

        assert await ids(status="resigned") == ["s-1"]
        assert await ids(department_id="company") == ["boss"]
        assert await ids(manager_id="boss") == ["head"]
        assert await ids(function="delivery") == ["s-2"]
        found, cursor = [], None
        while True:
            params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = await house.ok("hr", "GET", E, params=params)
            found += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert found == ["boss", "head", "s-1", "s-2", "s-3", "s-4", "s-5"]


async def test_everybody_sees_only_whom_they_may_know_about() -> None:
    async with company() as staff:
        house = staff.house

        async def seen(roles: Any, sub: str) -> dict[str, Any]:
            return {p["id"]: p["name"] for p in (await house.ok((roles, sub), "GET", E))["items"]}

        everybody = ["boss", "head", "s-1", "s-2", "s-3"]
        assert await seen("employee", "s-1") == {"s-1": "Name of s-1"}
        assert list(await seen("sales_head", "head")) == ["head", "s-1", "s-2", "s-3"]
        assert list(await seen("sales_head", "boss")) == everybody  # also the departments below
        assert await seen("sales_head", "s-1") == {"s-1": "Name of s-1"}  # heads nothing in the register
        assert all((await seen("director", "boss")).values())
        assert all((await seen("service", "crm")).values())
        assert list(await seen("ops", "operator")) == everybody
        assert not any((await seen("ops", "operator")).values())
        for role, sub, id, status in (
            ("employee", "s-1", "s-2", 404),
            ("employee", "s-1", "s-1", 200),
            ("sales_head", "head", "boss", 404),
            ("sales_head", "head", "s-1", 200),
            ("employee", "s-1", "unknown", 404),
        ):
            assert (await house.call((role, sub), "GET", f"{E}/{id}")).status_code == status
            assert (await house.call((role, sub), "GET", f"{E}/{id}/employments")).status_code == status


async def test_the_organisation_shows_who_does_what_and_where_a_head_is_missing() -> None:
    async with company() as staff:
        await staff.house.ok("hr", "POST", E, json=employee("lone", department_id=None))
        tree = await staff.house.ok("director", "GET", "/staff/v1/organisation")
        [top] = tree["departments"]
        [sales] = top["departments"]
        assert (top["id"], sales["id"], sales["head_id"], sales["vacant"]) == ("company", "sales", "head", False)
        assert sales["functions"] == {"sales": 160}
        assert [place["employee_id"] for place in sales["employees"]] == ["head", "s-1", "s-2", "s-3"]
        assert [place["employee_id"] for place in tree["unplaced"]] == ["lone"]
        assert tree["vacancies"] == []
        await staff.house.ok("hr", "POST", f"{E}/head/resignation", json={"last_day": staff.day(9)})
        assert (await staff.house.ok("hr", "GET", "/staff/v1/organisation"))["vacancies"] == ["sales"]


async def test_a_head_sees_of_the_organisation_what_they_head_and_what_is_below() -> None:
    async with company() as staff:
        head = ("sales_head", "head")
        await staff.house.ok("hr", "POST", E, json=employee("lone", department_id=None))
        tree = await staff.house.ok(head, "GET", "/staff/v1/organisation")
        assert ([top["id"] for top in tree["departments"]], tree["unplaced"]) == (["sales"], [])
        assert [row["id"] for row in (await staff.house.ok(head, "GET", D))["items"]] == ["sales"]
        assert (await staff.house.call(head, "GET", f"{D}/company")).status_code == 404
        boss = await staff.house.ok(("sales_head", "boss"), "GET", "/staff/v1/organisation")
        assert [below["id"] for top in boss["departments"] for below in top["departments"]] == ["sales"]


async def test_an_employee_created_again_is_the_same_in_whatever_order_it_is_said() -> None:
    async with company() as staff:
        functions = [{"sales": 40, "delivery": 5}, {"delivery": 5, "sales": 40}]
        answers = [await staff.house.call("hr", "POST", E, json=employee("new", functions=f)) for f in functions]
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()


async def test_the_first_day_lies_between_the_employment_before_and_the_end_of_this_one() -> None:
    async with company() as staff:
        await staff.house.ok("hr", "POST", f"{E}/s-1/departure", json={"on": staff.day(-9)})
        for on, reason in ((staff.day(-8), "before_hired"), (staff.day(-9), None)):
            answer = await staff.house.call("hr", "PATCH", f"{E}/s-1", json={"hired_on": on})
            assert (answer.status_code, answer.json().get("reason")) == ((422 if reason else 200), reason)
        await staff.house.ok("hr", "POST", f"{E}/s-1/rehire", json={"hired_on": staff.day(-2)})
        answer = await staff.house.call("hr", "PATCH", f"{E}/s-1", json={"hired_on": staff.day(-9)})
        assert (answer.status_code, answer.json()["reason"]) == (422, "hired_before_left")
        told = {"employee_id": "s-1", "hired_on": staff.day(-9)}
        assert (await staff.house.webhook("hris", staff.secret, "employee.updated", told)).status_code == 422


async def test_a_query_that_no_route_knows_never_passes_silently() -> None:
    async with company() as staff:
        answer = await staff.house.call("hr", "GET", f"{E}?departmant_id=sales")
        assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, ["query", "departmant_id"])
        assert (await staff.house.call(None, "GET", f"{E}?departmant_id=sales")).status_code == 401


async def test_without_a_token_nothing_is_said_of_the_body() -> None:
    async with company() as staff:
        headers = {"Content-Type": "application/json"}
        for body in (b"{", b"{}"):
            assert (await staff.house.call(None, "POST", E, content=body, headers=headers)).status_code == 401
        assert (await staff.house.call("hr", "POST", E, content=b"{", headers=headers)).status_code == 400


async def test_the_present_state_can_be_published_again() -> None:
    async with company() as staff:
        before = len(await staff.house.sent("staff"))
        answer = await staff.house.ok("ops", "POST", "/staff/v1/republish")
        again = (await staff.house.sent("staff"))[before:]
        assert answer == {"events": 7}
        assert [event.data.type for event in again] == ["department.changed"] * 2 + ["employee.changed"] * 5


BAD = [
    {"name": ""},
    {"name": "a\0b"},
    {"name": "x" * 301},
    {"name": None},
    {"email": "Nancy Davolio"},
    {"email": "a@b\n"},
    {"functions": {"sales": -1}},
    {"functions": {"sales": "Nancy Davolio"}},
    {"functions": {"sales": 1e308}},
    {"functions": {"a b": 1}},
    {"functions": ["sales"]},
    {"regions": "europe"},
    {"regions": ["x" * 101]},
    {"languages": [""]},
    {"department_id": "a/b"},
    {"manager_id": "Nancy Davolio"},
    {"hired_on": "31.12.2020"},
    {"hired_on": "1066-10-14"},
    {"salary": 1},
    {"position": "\ud800"},
]


async def test_bad_fields_are_refused_without_repeating_them() -> None:
    async with company() as staff:
        before = len(await staff.house.rows("staff", "SELECT id FROM employees"))
        for bad in BAD:
            for method, path, body in (
                ("POST", E, {**employee("new"), **bad}),
                ("PATCH", f"{E}/s-1", bad),
            ):
                answer = await staff.house.call("hr", method, path, content=json.dumps(body), headers=JSON)
                assert answer.status_code == 422, (method, bad, answer.text)
                assert answer.headers["content-type"] == "application/problem+json"
                assert "Davolio" not in answer.text
        assert len(await staff.house.rows("staff", "SELECT id FROM employees")) == before


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [("manager_id", "unknown", "unknown_manager"), ("department_id", "unknown", "unknown_department")],
)
async def test_who_is_named_must_exist(field: str, value: str, reason: str) -> None:
    async with company(sellers=1) as staff:
        for method, path, body in (
            ("POST", E, employee("new", **{field: value})),
            ("PATCH", f"{E}/s-1", {field: value}),
        ):
            answer = await staff.house.call("hr", method, path, json=body)
            assert (answer.status_code, answer.json()["reason"]) == (422, reason)
        assert (await staff.house.call("hr", "GET", f"{E}/new")).status_code == 404


async def test_malformed_bodies_and_huge_ones_are_refused() -> None:
    async with company(sellers=0) as staff:
        assert (await staff.house.call("hr", "POST", E, content=b"{", headers=JSON)).status_code == 400
        assert (await staff.house.call("hr", "POST", E, content=b"x" * 10_000_000)).status_code == 413
        huge = await staff.house.call(None, "POST", "/staff/v1/hris/webhooks/hris", content=b"x" * 10_000_000)
        assert huge.status_code == 413


async def test_two_changes_at_once_cannot_close_a_circle_together() -> None:
    async with company() as staff:
        await staff.house.ok("hr", "PATCH", f"{E}/s-1", json={"manager_id": None})
        await staff.house.ok("hr", "PATCH", f"{E}/s-2", json={"manager_id": None})
        answers = await asyncio.gather(
            staff.house.call("hr", "PATCH", f"{E}/s-1", json={"manager_id": "s-2"}),
            staff.house.call("hr", "PATCH", f"{E}/s-2", json={"manager_id": "s-1"}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
