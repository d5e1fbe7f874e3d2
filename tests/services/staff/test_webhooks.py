"""The link to the HRIS, through its signed door."""

import asyncio
import json
from datetime import timedelta

import httpx
from standardwebhooks import Webhook

from tests.services.staff.company import Company, company, employee

E = "/staff/v1/employees"
M = "/staff/v1/hris/messages"


def resigned(id: str, last_day: str) -> dict[str, str]:
    return {"employee_id": id, "last_day": last_day}


async def outcomes(staff: Company, outcome: str) -> list[str]:
    found = await staff.house.ok("ops", "GET", M, params={"outcome": outcome})
    return [item["type"] for item in found["items"]]


async def alarm(staff: Company, kind: str) -> float:
    await staff.house.settle()
    metrics = await staff.house.call(None, "GET", "/staff/metrics")
    [line] = [
        line
        for line in metrics.text.splitlines()
        if line.startswith("holdfast_alarm{") and f'kind="{kind}"' in line and 'service="staff"' in line
    ]
    return float(line.split()[-1])


async def test_a_signed_resignation_takes_effect() -> None:
    async with company() as staff:
        assert await staff.news("employee.resigned", resigned("s-1", staff.day(30))) == "applied"
        assert (await staff.get("s-1"))["status"] == "resigned"
        [event] = await staff.house.sent("staff", "employee.resigned")
        assert event.data.caretakers == ["head", "boss"]


async def test_the_same_webhook_id_again_does_nothing() -> None:
    async with company() as staff:
        assert await staff.news("employee.resigned", resigned("s-1", staff.day(30)), id="m1") == "applied"
        await staff.house.ok("hr", "DELETE", f"{E}/s-1/resignation")
        assert await staff.news("employee.resigned", resigned("s-1", staff.day(30)), minutes=9, id="m1") == "repeated"
        assert (await staff.get("s-1"))["status"] == "active"


async def test_the_same_webhook_twice_at_once_takes_effect_once() -> None:
    async with company() as staff:
        both = await asyncio.gather(
            *(staff.webhook("employee.resigned", resigned("s-1", staff.day(30)), id="m1") for _ in range(2))
        )
        assert sorted(answer.json()["outcome"] for answer in both) == ["applied", "repeated"]
        assert len(await staff.house.sent("staff", "employee.resigned")) == 1


async def test_who_cannot_sign_gets_the_same_answer_whatever_was_wrong() -> None:
    async with company() as staff:
        house, data = staff.house, resigned("s-1", staff.day(30))
        other = "whsec_" + "A" * 44
        old, ahead = (staff.house.clock() + timedelta(minutes=minutes) for minutes in (-6, 6))
        answers = [
            await house.webhook("hris", other, "employee.resigned", data),
            await house.webhook("unknown", staff.secret, "employee.resigned", data),
            await house.webhook("hris", staff.secret, "employee.resigned", data, sent_at=old),
            await house.webhook("hris", staff.secret, "employee.resigned", data, sent_at=ahead),
            await house.call(None, "POST", "/staff/v1/hris/webhooks/hris", json={"type": "employee.left"}),
            await house.call(None, "POST", "/staff/v1/hris/webhooks/%00", content=b"\xff\xfe"),
            await house.call("hr", "POST", "/staff/v1/hris/webhooks/hris", json={}),
        ]
        assert {answer.status_code for answer in answers} == {401}
        bodies = [{k: v for k, v in answer.json().items() if k not in ("instance", "trace_id")} for answer in answers]
        assert all(body == bodies[0] for body in bodies)
        assert (await staff.get("s-1"))["status"] == "active"
        assert (await house.ok("ops", "GET", M))["items"] == []


async def signed(staff: Company, raw: bytes, headers: dict[str, str]) -> httpx.Response:
    return await staff.house.call(None, "POST", "/staff/v1/hris/webhooks/hris", content=raw, headers=headers)


async def test_broken_headers_are_no_signature() -> None:
    async with company(sellers=0) as staff:
        raw, now = b"{}", staff.house.clock()
        good = {
            "webhook-id": "m1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(staff.secret).sign("m1", now, raw.decode()),
        }
        assert (await signed(staff, raw, good)).status_code == 422  # signed, but no news
        for broken in (
            {"webhook-signature": "v1"},
            {"webhook-signature": "v1,not base64!"},
            {"webhook-signature": "v2,AAAA"},
            {"webhook-signature": ""},
            {"webhook-timestamp": "nan"},
            {"webhook-timestamp": "1e400"},
            {"webhook-timestamp": "yesterday"},
            {"webhook-id": "another"},
            {"webhook-id": ""},
            {"webhook-id": "x" * 300},
        ):
            assert (await signed(staff, raw, {**good, **broken})).status_code == 401, broken


async def test_one_of_several_signatures_is_enough() -> None:
    async with company() as staff:
        now = staff.house.clock()
        body = {
            "type": "employee.left",
            "timestamp": now.isoformat(),
            "data": {"employee_id": "s-1", "on": staff.day()},
        }
        raw = json.dumps(body)
        headers = {
            "webhook-id": "m1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": "v1,AAAA " + Webhook(staff.secret).sign("m1", now, raw),
        }
        assert (await signed(staff, raw.encode(), headers)).status_code == 202


async def test_after_a_change_both_secrets_sign_for_a_day_then_only_the_new_one() -> None:
    async with company() as staff:
        house = staff.house
        answer = await house.call("ops", "POST", "/staff/v1/hris/sources/hris/secret", json={})
        assert answer.status_code == 201
        new, old = answer.json()["secret"], staff.secret
        assert new.startswith("whsec_")
        assert new != old

        async def signs(secret: str) -> bool:
            return (await house.webhook("hris", secret, "some.type", {})).status_code == 202

        assert await signs(new)
        assert await signs(old)
        house.clock.move(hours=23, minutes=59)
        assert await signs(old)
        house.clock.move(minutes=2)
        assert not await signs(old)
        assert await signs(new)
        await house.ok("ops", "POST", "/staff/v1/hris/sources/hris/secret", json={})
        await house.ok("ops", "POST", "/staff/v1/hris/sources/hris/secret", json={})
        assert await signs(new)
        assert "source.secret_renewed" in await staff.journal()


async def test_a_secret_is_shown_once() -> None:
    async with company() as staff:
        listed = await staff.house.call("ops", "GET", "/staff/v1/hris/sources")
        assert listed.json()["items"][0]["secret"] is None
        assert staff.secret not in listed.text
        again = await staff.house.call("ops", "POST", "/staff/v1/hris/sources", json={"id": "hris", "kind": "generic"})
        assert (again.status_code, again.json()["secret"]) == (201, None)


async def test_a_source_may_bring_its_own_secret_and_only_known_kinds_are_served() -> None:
    async with company() as staff:
        house, path = staff.house, "/staff/v1/hris/sources"
        bare = {"id": "bare", "kind": "generic", "secret": "B" * 44}
        assert (await house.ok("ops", "POST", path, json=bare))["secret"] == "B" * 44
        assert (await house.webhook("bare", "B" * 44, "x", {})).status_code == 202
        own = "whsec_" + "B" * 44
        made = await house.ok("ops", "POST", path, json={"id": "own", "kind": "generic", "secret": own})
        assert made["secret"] == own
        assert (await house.webhook("own", own, "x", {})).status_code == 202
        for body in (
            {"id": "p", "kind": "personio"},
            {"id": "p", "kind": "generic", "secret": "short"},
            {"id": "p", "kind": "generic", "secret": "whsec_AAAA"},
            {"id": "p", "kind": "generic", "api": {"url": "https://example.com"}},
            {"id": "p", "kind": "fax"},
        ):
            assert (await house.call("ops", "POST", path, json=body)).status_code == 422, body
        assert (await house.call("ops", "POST", path, json={"id": "own", "kind": "generic"})).status_code == 409
        assert (await house.call("hr", "POST", path, json={"id": "q", "kind": "generic"})).status_code == 403
        assert (await house.call("ops", "POST", f"{path}/unknown/secret", json={})).status_code == 404


async def test_an_unknown_type_is_kept_as_ignored() -> None:
    async with company() as staff:
        assert await staff.news("employee.promoted", {"employee_id": "s-1"}) == "ignored"
        assert await outcomes(staff, "ignored") == ["employee.promoted"]


async def test_a_known_type_with_a_bad_body_is_kept_as_refused_and_raises_the_alarm() -> None:
    async with company() as staff:
        answer = await staff.webhook("employee.left", {"employee_id": "s-1", "on": "Nancy Davolio"}, id="m1")
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Davolio" not in answer.text
        assert answer.json()["errors"][0]["msg"].startswith("on: ")
        assert await outcomes(staff, "refused") == ["employee.left"]
        assert await alarm(staff, "departure_refused") == 1
        [item] = (await staff.house.ok("ops", "GET", M, params={"outcome": "refused"}))["items"]
        assert item["employee_id"] == "s-1"
        assert (await staff.house.call("hr", "POST", f"{M}/{item['id']}/seen")).status_code == 204
        assert await alarm(staff, "departure_refused") == 0


async def test_dates_that_cannot_be_are_refused_and_nothing_happens() -> None:
    async with company() as staff:
        answer = await staff.webhook("employee.left", {"employee_id": "s-1", "on": "2001-01-01"})
        assert (answer.status_code, (await staff.get("s-1"))["status"]) == (422, "active")
        assert await staff.events("s-1") == ["employee.hired"]


async def test_news_of_somebody_unknown_is_kept_and_applied_when_they_appear() -> None:
    async with company() as staff:
        assert await staff.news("employee.resigned", resigned("new", staff.day(30)), minutes=-5) == "pending"
        assert await staff.news("resignation.changed", resigned("new", staff.day(60)), minutes=-3) == "pending"
        assert await alarm(staff, "departure_pending") == 1
        created = await staff.house.ok("hr", "POST", E, json=employee("new"))
        assert (created["status"], created["last_day"]) == ("resigned", staff.day(60))
        assert await staff.events("new") == ["employee.hired", "employee.resigned", "resignation.changed"]
        assert await alarm(staff, "departure_pending") == 0


async def test_a_whole_life_that_arrives_backwards_ends_in_the_newest_state() -> None:
    async with company() as staff:
        hired = {**employee("new"), "manager_id": "late"}
        assert await staff.news("employee.updated", {"employee_id": "new", "position": "Lead"}, -2) == "pending"
        assert await staff.news("employee.resigned", resigned("new", staff.day(9)), -3) == "pending"
        assert await staff.news("employee.hired", hired, -8) == "pending"  # the manager is not known yet
        assert await staff.news("employee.hired", employee("late"), -9) == "applied"
        await staff.house.settle()
        person = await staff.get("new")
        assert (person["status"], person["position"], person["manager_id"]) == ("resigned", "Lead", "late")


async def test_out_of_order_news_ends_in_the_state_of_the_newest() -> None:
    async with company() as staff:
        assert await staff.news("resignation.withdrawn", {"employee_id": "s-1"}, -1) == "applied"
        assert await staff.news("employee.resigned", resigned("s-1", staff.day(30)), -9) == "old"
        assert (await staff.get("s-1"))["status"] == "active"
        assert await outcomes(staff, "old") == ["employee.resigned"]
        assert await alarm(staff, "departure_old") == 1

        assert await staff.news("resignation.changed", resigned("s-2", staff.day(60)), -1) == "applied"
        await staff.news("employee.resigned", resigned("s-2", staff.day(30)), -9)
        assert (await staff.get("s-2"))["last_day"] == staff.day(60)


async def test_newest_wins_for_each_attribute_by_itself() -> None:
    async with company() as staff:
        await staff.news("employee.updated", {"employee_id": "s-1", "position": "New", "regions": ["asia"]}, -1)
        await staff.news("employee.updated", {"employee_id": "s-1", "position": "Old", "languages": ["ru"]}, -9)
        person = await staff.get("s-1")
        assert (person["position"], person["regions"], person["languages"]) == ("New", ["asia"], ["ru"])
        assert await staff.news("employee.updated", {"employee_id": "s-1", "position": "Older"}, -10) == "old"


async def test_news_of_one_aspect_does_not_make_news_of_another_old() -> None:
    async with company() as staff:
        await staff.news("employee.updated", {"employee_id": "s-1", "position": "Lead"}, -1)
        assert await staff.news("employee.resigned", resigned("s-1", staff.day(30)), -5) == "applied"
        assert await staff.news("employee.absent", {"employee_id": "s-1", "from": staff.day()}, -9) == "applied"


async def test_news_of_an_earlier_employment_never_touches_a_later_one() -> None:
    async with company() as staff:
        await staff.news("employee.left", {"employee_id": "s-1", "on": staff.day()}, -9)
        await staff.news("employee.rehired", {"employee_id": "s-1", "hired_on": staff.day(1)}, -5)
        assert await staff.news("employee.resigned", resigned("s-1", staff.day(30)), -7) == "old"
        assert (await staff.get("s-1"))["status"] == "active"
        assert (await staff.events("s-1"))[1:] == ["employee.left", "employee.rehired"]


async def test_a_timestamp_far_ahead_does_not_outrank_what_comes_later() -> None:
    async with company() as staff:
        await staff.news("employee.resigned", resigned("s-1", staff.day(30)), minutes=60 * 24 * 365)
        staff.house.clock.move(minutes=1)
        assert await staff.news("resignation.withdrawn", {"employee_id": "s-1"}) == "applied"
        assert (await staff.get("s-1"))["status"] == "active"


async def test_absences_come_and_go_without_a_cause() -> None:
    async with company() as staff:
        absent = {"employee_id": "s-1", "from": staff.day(), "until": staff.day(9), "cause": "secret"}
        await staff.news("employee.absent", absent, -3)
        [shown] = (await staff.get("s-1"))["absences"]
        assert (shown["from"], shown["until"]) == (staff.day(), staff.day(9))
        assert (await staff.house.sent("staff"))[-1].data.absences[0].until_day.isoformat() == staff.day(9)
        await staff.news("employee.back", {"employee_id": "s-1", "from": staff.day(3)}, -1)
        assert (await staff.get("s-1"))["absences"][0]["until"] == staff.day(2)
        assert "secret" not in str(await staff.house.rows("staff", "SELECT * FROM employees"))


async def test_a_reversal_and_a_rehire_are_told_apart() -> None:
    async with company() as staff:
        first = (await staff.get("s-1"))["employment_id"]
        await staff.news("employee.left", {"employee_id": "s-1", "on": staff.day()}, -9)
        await staff.news("departure.reversed", {"employee_id": "s-1", "reason": "wrong person"}, -8)
        assert (await staff.get("s-1"))["employment_id"] == first
        assert (await staff.events("s-1"))[-1] == "departure.reversed"


async def test_what_was_applied_leaves_no_copy_of_its_body() -> None:
    async with company() as staff:
        await staff.news("employee.hired", {**employee("new"), "name": "Nancy"})
        await staff.news("employee.promoted", {"employee_id": "new"})
        rows = await staff.house.rows("staff", "SELECT outcome, body IS NULL AS gone FROM hris_messages ORDER BY id")
        assert [(row["outcome"], row["gone"]) for row in rows] == [("applied", True), ("ignored", False)]


async def test_messages_are_shown_to_operators_without_their_content() -> None:
    async with company() as staff:
        await staff.webhook("employee.left", {"employee_id": "s-1", "on": "Davolio"})
        answer = await staff.house.call("ops", "GET", M)
        assert "Davolio" not in answer.text
        assert (await staff.house.call("employee", "GET", M)).status_code == 403


async def test_a_source_is_found_where_its_creation_says_and_never_tells_its_secret() -> None:
    async with company(sellers=0) as staff:
        made = await staff.house.call("ops", "POST", "/staff/v1/hris/sources", json={"id": "second", "kind": "generic"})
        found = await staff.house.ok("ops", "GET", made.headers["Location"])
        assert made.json()["secret"]
        assert found == {**made.json(), "secret": None}
        assert (await staff.house.call("ops", "GET", "/staff/v1/hris/sources/none")).status_code == 404
        assert (await staff.house.call("hr", "GET", made.headers["Location"])).status_code == 403
