"""The life of an employment as people decide it."""

from datetime import datetime, time

from shared.contracts.clients import AccessFrozen, AccessUnfrozen, Ground
from tests.services.staff.company import Company, company

E = "/staff/v1/employees"


async def test_a_resignation_is_announced_with_the_caretakers_in_order() -> None:
    async with company(last_resort="last") as staff:
        house = staff.house
        await house.ok("hr", "PUT", f"{E}/s-1/deputy", json={"deputy_id": "s-2"})
        body = {"last_day": staff.day(30), "reason": "private"}
        answer = await house.call("hr", "POST", f"{E}/s-1/resignation", json=body)
        assert answer.status_code == 202
        assert answer.json()["status"] == "resigned"
        [resigned] = await house.sent("staff", "employee.resigned")
        assert resigned.data.caretakers == ["s-2", "head", "boss", "last"]
        assert resigned.data.last_day.isoformat() == staff.day(30)
        assert resigned.data.notice_on.isoformat() == staff.day()
        assert resigned.subject == "employee/s-1"
        assert "private" not in resigned.data.model_dump_json()
        assert "employment.resigned" in await staff.journal()


async def test_a_second_resignation_changes_the_dates_and_the_same_again_changes_nothing() -> None:
    async with company() as staff:
        for last_day in (30, 60, 60):
            answer = await staff.house.call(
                "hr", "POST", f"{E}/s-1/resignation", json={"last_day": staff.day(last_day)}
            )
            assert answer.status_code == 202
        assert (await staff.get("s-1"))["last_day"] == staff.day(60)
        assert await staff.events("s-1") == ["employee.hired", "employee.resigned", "resignation.changed"]
        [changed] = await staff.house.sent("staff", "resignation.changed")
        assert changed.data.notice_on.isoformat() == staff.day()


async def test_a_withdrawn_resignation_leaves_the_employment_as_it_was() -> None:
    async with company() as staff:
        before = await staff.get("s-1")
        await staff.house.ok("hr", "POST", f"{E}/s-1/resignation", json={"last_day": staff.day(30)})
        answer = await staff.house.call("hr", "DELETE", f"{E}/s-1/resignation")
        assert answer.status_code == 202
        after = await staff.get("s-1")
        assert {**after, "version": before["version"]} == before
        assert (await staff.events("s-1"))[-1] == "resignation.withdrawn"


async def test_a_dismissal_needs_no_notice() -> None:
    async with company() as staff:
        answer = await staff.house.call("hr", "POST", f"{E}/s-1/departure", json={"on": staff.day()})
        assert (answer.status_code, answer.json()["status"]) == (202, "left")
        [left] = await staff.house.sent("staff", "employee.left")
        assert (left.data.left_on.isoformat(), left.data.caretakers) == (staff.day(), ["head", "boss"])
        again = await staff.house.call("hr", "POST", f"{E}/s-1/departure", json={"on": staff.day()})
        assert again.status_code == 202
        assert len(await staff.house.sent("staff", "employee.left")) == 1


async def test_a_departure_that_lies_ahead_is_a_resignation_until_then() -> None:
    async with company() as staff:
        left = await staff.house.ok("hr", "POST", f"{E}/s-1/departure", json={"on": staff.day(9)})
        assert (left["status"], left["last_day"], left["left_on"]) == ("resigned", staff.day(9), None)


async def test_a_decision_counts_even_where_the_clock_of_the_hris_is_ahead() -> None:
    async with company() as staff:
        assert await staff.news("employee.resigned", {"employee_id": "s-1", "last_day": staff.day(9)}, 4) == "applied"
        await staff.house.ok("hr", "DELETE", f"{E}/s-1/resignation")
        assert (await staff.get("s-1"))["status"] == "active"


async def test_a_withdrawal_that_arrives_after_the_last_day_is_a_reversal() -> None:
    async with company() as staff:
        await staff.news("employee.resigned", {"employee_id": "s-1", "last_day": staff.day()})
        staff.house.clock.move(days=1)
        await staff.house.settle()
        assert await staff.news("resignation.withdrawn", {"employee_id": "s-1"}) == "applied"
        assert (await staff.events("s-1"))[1:] == ["employee.resigned", "employee.left", "departure.reversed"]


async def test_every_change_of_a_life_is_journaled_whoever_said_it() -> None:
    async with company() as staff:
        await staff.news("employee.resigned", {"employee_id": "s-1", "last_day": staff.day()})
        await staff.house.ok("hr", "POST", f"{E}/s-2/departure", json={"on": staff.day()})
        staff.house.clock.move(days=1)
        await staff.house.settle()
        entries = [entry.data for entry in await staff.house.sent("staff", "journal.entry")]
        assert [(entry.kind, entry.actor_id, entry.employee_id) for entry in entries[-3:]] == [
            ("employment.resigned", "hris/hris", "s-1"),
            ("employment.left", "hr", "s-2"),
            ("employment.left", "staff", "s-1"),
        ]


async def test_a_reversal_lets_the_same_employment_go_on() -> None:
    async with company() as staff:
        before = await staff.get("s-1")
        await staff.house.ok("hr", "POST", f"{E}/s-1/departure", json={"on": staff.day()})
        answer = await staff.house.call("hr", "POST", f"{E}/s-1/departure/reversal", json={"reason": "wrong person"})
        assert answer.status_code == 202
        after = await staff.get("s-1")
        assert (after["status"], after["employment_id"]) == ("active", before["employment_id"])
        assert (await staff.events("s-1"))[-1] == "departure.reversed"


async def test_a_rehire_opens_a_new_employment_and_all_are_kept() -> None:
    async with company() as staff:
        first = (await staff.get("s-1"))["employment_id"]
        await staff.house.ok("hr", "POST", f"{E}/s-1/resignation", json={"last_day": staff.day(), "reason": "R"})
        await staff.house.ok("hr", "POST", f"{E}/s-1/departure", json={"on": staff.day()})
        answer = await staff.house.call("hr", "POST", f"{E}/s-1/rehire", json={"hired_on": staff.day(1)})
        assert answer.status_code == 201
        second = answer.json()
        assert (second["status"], second["last_day"]) == ("active", None)
        assert second["employment_id"] != first
        found = await staff.house.ok("hr", "GET", f"{E}/s-1/employments")
        assert [item["employment_id"] for item in found["items"]] == [first, second["employment_id"]]
        assert found["items"][0]["left_on"] == staff.day()
        assert [change["kind"] for change in found["items"][0]["changes"]] == ["resigned", "left"]
        assert found["items"][0]["changes"][0]["reason"] == "R"
        seen = await staff.house.ok(("employee", "s-1"), "GET", f"{E}/s-1/employments")
        assert seen["items"][0]["changes"][0]["reason"] is None
        assert (await staff.events("s-1"))[-1] == "employee.rehired"


async def test_the_day_after_the_last_day_the_departure_is_announced_by_itself() -> None:
    async with company() as staff:
        await staff.house.ok("hr", "POST", f"{E}/s-1/resignation", json={"last_day": staff.day(2)})
        last_day = staff.day(2)
        staff.house.clock.move(days=2)
        await staff.house.settle()
        assert (await staff.get("s-1"))["status"] == "resigned"
        staff.house.clock.move(days=1)
        await staff.house.settle()
        person = await staff.get("s-1")
        assert (person["status"], person["left_on"]) == ("left", last_day)
        await staff.house.settle()
        assert (await staff.events("s-1"))[-2:] == ["employee.resigned", "employee.left"]


async def test_nobody_is_seen_off_whose_resignation_was_changed_or_withdrawn() -> None:
    async with company() as staff:
        for id in ("s-1", "s-2"):
            await staff.house.ok("hr", "POST", f"{E}/{id}/resignation", json={"last_day": staff.day(2)})
        await staff.house.ok("hr", "POST", f"{E}/s-1/resignation", json={"last_day": staff.day(20)})
        await staff.house.ok("hr", "DELETE", f"{E}/s-2/resignation")
        staff.house.clock.move(days=5)
        await staff.house.settle()
        assert [(await staff.get(id))["status"] for id in ("s-1", "s-2")] == ["resigned", "active"]


async def test_the_last_day_ends_where_the_company_works() -> None:
    async with company(timezone="Pacific/Kiritimati") as staff:  # 14 hours ahead
        clock = staff.house.clock
        clock.set(datetime.combine(clock.day(), time(1), clock.zone))
        assert clock().date() == clock.day(-1)  # by UTC
        await staff.house.ok("hr", "POST", f"{E}/s-1/resignation", json={"last_day": staff.day(-1)})
        await staff.house.settle()
        assert (await staff.get("s-1"))["status"] == "left"


async def test_a_changed_date_still_counts_after_the_system_has_seen_somebody_off() -> None:
    async with company() as staff:
        assert await staff.news("employee.resigned", {"employee_id": "s-1", "last_day": staff.day()}) == "applied"
        staff.house.clock.move(days=1)
        await staff.house.settle()
        assert (await staff.get("s-1"))["status"] == "left"
        # Said an hour before midnight, arrived in the morning.
        later = {"employee_id": "s-1", "last_day": staff.day(30)}
        assert await staff.news("resignation.changed", later, minutes=-60) == "applied"
        person = await staff.get("s-1")
        assert (person["status"], person["left_on"]) == ("resigned", None)


REFUSED = [
    ("s-1", "DELETE", "resignation", None, 409, "not_resigned"),
    ("s-1", "POST", "departure/reversal", {"reason": "r"}, 409, "not_left"),
    ("s-1", "POST", "rehire", {"hired_on": "2030-01-01"}, 409, "not_left"),
    ("s-1", "POST", "resignation", {"last_day": "2019-12-31"}, 422, "before_hired"),
    ("s-1", "POST", "resignation", {"last_day": "2026-01-01", "notice_on": "2026-01-02"}, 422, "invalid"),
    ("s-1", "POST", "resignation", {"last_day": "2026-01-01", "ends_on": "2025-01-02"}, 422, "invalid"),
    ("s-1", "POST", "resignation", {}, 422, "invalid"),
    ("s-1", "POST", "resignation", {"last_day": "soon"}, 422, "invalid"),
    ("s-1", "POST", "resignation", {"last_day": "2026-01-01", "lastday": 1}, 422, "invalid"),
    ("s-1", "POST", "departure", {"on": "2019-12-31"}, 422, "before_hired"),
    ("gone", "POST", "resignation", {"last_day": "2030-01-01"}, 409, "already_left"),
    ("gone", "DELETE", "resignation", None, 409, "already_left"),
    ("gone", "POST", "departure", {"on": "2024-01-01"}, 409, "left_with_other_date"),
    ("gone", "POST", "rehire", {"hired_on": "2024-12-31"}, 422, "hired_before_left"),
    ("nobody", "POST", "resignation", {"last_day": "2030-01-01"}, 404, "not_found"),
    ("nobody", "DELETE", "resignation", None, 404, "not_found"),
    ("nobody", "POST", "departure", {"on": "2025-01-01"}, 404, "not_found"),
    ("no body", "POST", "departure", {"on": "2025-01-01"}, 422, "invalid"),
]


async def test_what_cannot_be_is_refused_with_its_reason_and_changes_nothing() -> None:
    async with company() as staff:
        await staff.house.ok("hr", "POST", E, json={**_plain("gone"), "hired_on": "2020-01-01"})
        await staff.house.ok("hr", "POST", f"{E}/gone/departure", json={"on": "2024-12-31"})
        sent = len(await staff.house.sent("staff"))
        for id, method, path, body, status, reason in REFUSED:
            answer = await staff.house.call("hr", method, f"{E}/{id}/{path}", json=body)
            assert (answer.status_code, answer.json()["reason"]) == (status, reason), (id, path, answer.text)
        assert len(await staff.house.sent("staff")) == sent


def _plain(id: str) -> dict[str, str]:
    return {"id": id, "name": "N", "email": "n@example.com"}


async def test_only_hr_decides_about_departures() -> None:
    async with company(sellers=1) as staff:
        for role in ("employee", "sales_head", "director", "ops", "auditor", "service"):
            await _all_refused(staff, role)


async def _all_refused(staff: Company, role: str) -> None:
    for method, path, body in (
        ("POST", "resignation", {"last_day": staff.day(1)}),
        ("DELETE", "resignation", None),
        ("POST", "departure", {"on": staff.day()}),
        ("POST", "departure/reversal", {"reason": "r"}),
        ("POST", "rehire", {"hired_on": staff.day(1)}),
        ("PUT", "deputy", {"deputy_id": "head"}),
        ("PATCH", "", {"name": "X"}),
    ):
        answer = await staff.house.call((role, "s-1"), method, f"{E}/s-1/{path}".rstrip("/"), json=body)
        assert answer.status_code == 403, (role, path)


async def test_nobody_acts_on_their_own_case() -> None:
    async with company() as staff:
        house = staff.house
        await house.ok("hr", "POST", f"{E}/s-1/resignation", json={"last_day": staff.day(10)})
        # Whoever leaves has no role left but `employee`.
        assert (await house.call(("hr", "s-1"), "DELETE", f"{E}/s-1/resignation")).status_code == 403
        assert (
            await house.call(("hr", "s-1"), "POST", f"{E}/s-2/departure", json={"on": staff.day()})
        ).status_code == 403
        await house.ok(("employee", "s-1"), "GET", f"{E}/s-1")


async def test_who_is_frozen_elsewhere_has_no_role_here_either() -> None:
    async with company() as staff:
        house = staff.house
        employment = (await staff.get("s-1"))["employment_id"]
        ground = Ground(kind="emergency", ref="1")
        frozen = AccessFrozen(employee_id="s-1", employment_id=employment, grounds=[ground])
        await house.deliver("staff", frozen, source="clients")
        assert (await house.call(("hr", "s-1"), "PATCH", f"{E}/s-2", json={"name": "X"})).status_code == 403
        unfrozen = AccessUnfrozen(employee_id="s-1", employment_id=employment, grounds=[])
        await house.deliver("staff", unfrozen, source="clients", sequence=2)
        assert (await house.call(("hr", "s-1"), "PATCH", f"{E}/s-2", json={"name": "X"})).status_code == 200


async def test_the_same_request_with_its_key_is_answered_again_and_done_once() -> None:
    async with company() as staff:
        key = {"Idempotency-Key": "resign-1"}
        body = {"last_day": staff.day(9)}
        answers = [
            await staff.house.call("hr", "POST", f"{E}/s-1/resignation", json=body, headers=key) for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert answers[0].json() == answers[1].json()
        assert answers[1].headers["Idempotency-Replayed"] == "true"
        other = {"last_day": staff.day(10)}
        answer = await staff.house.call("hr", "POST", f"{E}/s-1/resignation", json=other, headers=key)
        assert answer.status_code == 422
