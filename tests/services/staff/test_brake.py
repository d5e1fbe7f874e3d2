"""A faulty export of the HRIS must not freeze a company."""

from tests.services.staff.company import Company, company

H = "/staff/v1/hris/holds"


async def resign(staff: Company, *numbers: int) -> list[str]:
    data = [{"employee_id": f"s-{number}", "last_day": staff.day(30)} for number in numbers]
    return [await staff.news("employee.resigned", each) for each in data]


async def held(staff: Company, **params: str) -> list[str]:
    found = await staff.house.ok("hr", "GET", H, params={"state": "held", **params})
    return [item["employee_id"] for item in found["items"]]


async def hold_of(staff: Company, employee_id: str) -> str:
    found = await staff.house.ok("hr", "GET", H)
    return next(item["id"] for item in found["items"] if item["employee_id"] == employee_id)


async def test_more_departures_than_allowed_in_a_day_are_held() -> None:
    async with company(sellers=6) as staff:
        assert await resign(staff, 1, 2, 3, 4, 5) == ["applied"] * 3 + ["held"] * 2
        assert await held(staff) == ["s-4", "s-5"]
        assert (await staff.get("s-4"))["status"] == "active"
        assert (await staff.events("s-4"))[-1] == "departure.held"
        [event, _] = await staff.house.sent("staff", "departure.held")
        assert (event.data.freeze, event.data.status) == (False, "active")


async def test_a_new_day_counts_anew() -> None:
    async with company(sellers=6) as staff:
        await resign(staff, 1, 2, 3, 4)
        staff.house.clock.move(days=1)
        assert await resign(staff, 5) == ["applied"]


async def test_each_source_counts_by_itself() -> None:
    async with company(sellers=6) as staff:
        await resign(staff, 1, 2, 3, 4)
        other = await staff.house.ok("ops", "POST", "/staff/v1/hris/sources", json={"id": "two", "kind": "generic"})
        data = {"employee_id": "s-5", "last_day": staff.day(30)}
        answer = await staff.house.webhook("two", other["secret"], "employee.resigned", data)
        assert answer.json()["outcome"] == "applied"


async def test_departures_that_people_decide_do_not_count() -> None:
    async with company(sellers=6) as staff:
        for number in range(1, 5):
            body = {"last_day": staff.day(30)}
            await staff.house.ok("hr", "POST", f"/staff/v1/employees/s-{number}/resignation", json=body)
        assert await resign(staff, 5) == ["applied"]


async def test_those_announced_before_do_not_count() -> None:
    async with company(sellers=6) as staff:
        await resign(staff, 1, 2, 3)
        for number in (1, 2, 3):
            assert await staff.news("employee.left", {"employee_id": f"s-{number}", "on": staff.day()}, 1) == "applied"
        staff.house.clock.move(days=1)
        assert await resign(staff, 4, 5, 6) == ["applied"] * 3


async def test_confirming_turns_a_hold_into_the_departure() -> None:
    async with company(sellers=4) as staff:
        await resign(staff, 1, 2, 3, 4)
        path = f"{H}/{await hold_of(staff, 's-4')}"
        for _ in range(2):
            answer = await staff.house.ok("hr", "POST", f"{path}/confirm")
            assert (answer["state"], answer["decided_by"]) == ("confirmed", "hr")
        person = await staff.get("s-4")
        assert (person["status"], person["last_day"]) == ("resigned", staff.day(30))
        assert (await staff.events("s-4"))[-2:] == ["employee.resigned", "departure.rejected"]
        assert (await staff.house.call("hr", "POST", f"{path}/reject")).status_code == 409
        assert "hold.confirmed" in await staff.journal()


async def test_rejecting_ends_the_hold_and_nothing_has_happened() -> None:
    async with company(sellers=4) as staff:
        await resign(staff, 1, 2, 3, 4)
        path = f"{H}/{await hold_of(staff, 's-4')}"
        assert (await staff.house.ok("hr", "POST", f"{path}/reject"))["state"] == "rejected"
        assert (await staff.get("s-4"))["status"] == "active"
        assert (await staff.events("s-4"))[-1] == "departure.rejected"
        assert (await staff.house.call("hr", "POST", f"{path}/confirm")).status_code == 409
        assert await held(staff) == []


async def test_a_withdrawal_ends_the_hold() -> None:
    async with company(sellers=4) as staff:
        await resign(staff, 1, 2, 3, 4)
        assert await staff.news("resignation.withdrawn", {"employee_id": "s-4"}, 1) == "applied"
        assert await held(staff) == []
        assert (await staff.events("s-4"))[-1] == "departure.rejected"


async def test_what_is_said_again_of_somebody_held_renews_the_one_hold() -> None:
    async with company(sellers=4) as staff:
        await resign(staff, 1, 2, 3, 4)
        assert await staff.news("employee.left", {"employee_id": "s-4", "on": staff.day()}, 1) == "held"
        assert await held(staff) == ["s-4"]
        await staff.house.ok("hr", "POST", f"{H}/{await hold_of(staff, 's-4')}/confirm")
        assert (await staff.get("s-4"))["status"] == "left"


async def test_a_departure_that_a_person_decides_settles_the_hold() -> None:
    async with company(sellers=4) as staff:
        await resign(staff, 1, 2, 3, 4)
        await staff.house.ok("hr", "POST", "/staff/v1/employees/s-4/departure", json={"on": staff.day()})
        assert await held(staff) == []
        assert (await staff.events("s-4"))[-2:] == ["employee.left", "departure.rejected"]


async def test_those_held_are_frozen_where_wanted_but_never_more_than_a_tenth_of_staff() -> None:
    async with company(sellers=18, hold_departures_above="1", freeze_held=True) as staff:
        await resign(staff, 1, 2, 3, 4)
        events = await staff.house.sent("staff", "departure.held")
        assert [event.data.freeze for event in events] == [True, True, False]
        assert events[0].data.caretakers == ["head", "boss"]
        assert all(event.data.last_day is not None for event in events)


async def test_nobody_decides_about_their_own_hold() -> None:
    async with company(sellers=4) as staff:
        await resign(staff, 1, 2, 3, 4)
        path = f"{H}/{await hold_of(staff, 's-4')}"
        for verb in ("confirm", "reject"):
            assert (await staff.house.call(("hr", "s-4"), "POST", f"{path}/{verb}")).status_code == 403
            assert (await staff.house.call("ops", "POST", f"{path}/{verb}")).status_code == 403
        assert (await staff.house.call("hr", "POST", f"{H}/unknown/confirm")).status_code == 404
