"""Last days: changed, over, and announced by nobody; and who takes over when an assignee goes too."""

from datetime import date, timedelta

from tests.services.offboarding.company import (
    HEAD,
    approve,
    case_of,
    company,
    do_tasks,
    leave,
    listed,
    resign,
    steps,
    waits,
)


async def test_a_dismissal_without_notice_starts_a_case_whose_leaver_has_no_part_any_more() -> None:
    async with company() as house:
        case = await leave(house)
        assert case["status"] == "open"
        assert steps(case)["plan"] == "waiting"
        tasks = {task["kind"]: task["assignee_id"] for task in await listed(house, f"tasks?case_id={case['id']}")}
        assert tasks == dict.fromkeys(("team_meeting", "successful_actions", "undertaking", "documents"), "hanna")
        case = await approve(house, case)
        assert await listed(house, f"cases/{case['id']}/introductions") == []
        assert len(await listed(house, f"visits?case_id={case['id']}")) == 4
        await do_tasks(house, case)
        assert (await case_of(house))["status"] == "cleared"


async def test_a_changed_last_day_moves_the_deadlines() -> None:
    async with company() as house:
        case = await resign(house, days=28)
        before = {task["kind"]: task["due_on"] for task in await listed(house, f"tasks?case_id={case['id']}")}
        last_day = house.clock.day(7)
        body = {"last_day": last_day.isoformat()}
        await house.ok("hr", "POST", "/staff/v1/employees/nora/resignation", json=body)
        await house.settle()
        case = await case_of(house)
        after = {task["kind"]: task["due_on"] for task in await listed(house, f"tasks?case_id={case['id']}")}
        assert case["last_day"] == last_day.isoformat()
        assert after["documents"] < before["documents"]
        assert after["team_meeting"] == before["team_meeting"]
        told = [event.data for event in await house.sent("offboarding", "task.opened")]
        moved = {event.kind: event.due_on.isoformat() for event in told}  # the newest of each counts
        assert {kind: moved[kind] for kind in after} == after


async def test_when_the_last_day_is_over_the_leavers_tasks_go_to_the_manager_and_introductions_become_visits() -> None:
    async with company() as house:
        case = await approve(house, await resign(house))
        house.clock.move(days=15)
        await house.settle()
        case = await case_of(house)
        assert {task["assignee_id"] for task in await listed(house, f"tasks?case_id={case['id']}")} == {"hanna"}
        introductions = await listed(house, f"cases/{case['id']}/introductions")
        assert {(one["status"], one["reason"]) for one in introductions} == {("refused", "last_day_over")}
        assert len(await listed(house, f"visits?case_id={case['id']}")) == 4
        assert ("introductions", "nora") not in waits(case)


async def test_the_last_day_stops_neither_plan_nor_transfer_and_clear_waits_for_both() -> None:
    async with company() as house:
        case = await resign(house)
        house.clock.move(days=15)
        await house.settle()
        await do_tasks(house, case)
        case = await case_of(house)
        assert (steps(case)["plan"], steps(case)["clear"]) == ("waiting", "pending")
        case = await approve(house, case)
        await do_tasks(house, case)
        assert (await case_of(house))["status"] == "cleared"


async def test_tasks_are_announced_when_due_and_when_overdue_each_once() -> None:
    async with company() as house:
        await resign(house, days=30)
        house.clock.move(days=12)
        await house.settle()
        await house.settle()
        overdue = [envelope.data.kind for envelope in await house.sent("offboarding", "task.overdue")]
        assert sorted(overdue) == ["successful_actions", "team_meeting", "undertaking"]


async def test_what_an_assignee_had_to_do_goes_to_their_stand_in_when_they_leave_too() -> None:
    async with company() as house:
        case = await approve(house, await resign(house))
        before = await listed(house, f"cases/{case['id']}/introductions")
        assert "petra" in {one["to_id"] for one in before}
        await house.ok("hr", "PUT", "/staff/v1/employees/petra/deputy", json={"deputy_id": "otto"})
        last_day = (house.clock.day() + timedelta(days=14)).isoformat()
        await house.ok("hr", "POST", "/staff/v1/employees/petra/resignation", json={"last_day": last_day})
        await house.settle()
        assert {one["to_id"] for one in await listed(house, f"cases/{case['id']}/introductions")} == {"otto"}


async def test_a_stand_in_whom_the_client_has_not_met_begins_the_introduction_anew() -> None:
    async with company() as house:
        edits = [{"client_id": f"c-{number}", "to_id": "petra"} for number in (1, 2, 3, 4)]
        case = await approve(house, await resign(house), edits=edits)
        [one, *_] = await listed(house, f"cases/{case['id']}/introductions")
        path = f"/offboarding/v1/introductions/{one['id']}"
        for who, verb in (("petra", "accept"), ("nora", "brief"), ("nora", "introduce")):
            await house.ok(("employee", who), "POST", f"{path}/{verb}", json={})
        await house.ok("hr", "PUT", "/staff/v1/employees/petra/deputy", json={"deputy_id": "otto"})
        await resign(house, "petra")
        again = next(row for row in await listed(house, f"cases/{case['id']}/introductions") if row["id"] == one["id"])
        assert (again["to_id"], again["status"]) == ("otto", "proposed")


async def test_a_rehire_restores_nothing_and_the_case_goes_on_to_its_end() -> None:
    async with company() as house:
        case = await approve(house, await leave(house))
        hired_on = house.clock.day(1).isoformat()
        await house.ok("hr", "POST", "/staff/v1/employees/nora/rehire", json={"hired_on": hired_on})
        await house.settle()
        assert "nora" not in {row["owner_id"] for row in await house.rows("clients", "SELECT owner_id FROM clients")}
        await do_tasks(house, case)
        case = await house.ok(HEAD, "GET", f"/offboarding/v1/cases/{case['id']}")
        assert case["status"] == "cleared"
        assert not await house.scalar("offboarding", "SELECT frozen FROM people WHERE employee_id = 'nora'")


async def test_transferred_clients_are_followed_for_twelve_months_and_then_no_more() -> None:
    async with company() as house:
        case = await approve(house, await leave(house))
        await do_tasks(house, case)
        case = await case_of(house)
        assert (case["status"], steps(case)["follow_up"]) == ("cleared", "running")
        house.clock.move(days=100)
        await house.settle()
        followed = {one["client_id"]: one for one in await listed(house, f"followups?case_id={case['id']}")}
        assert set(followed) == {"c-1", "c-2", "c-3", "c-4"}
        since, until = (date.fromisoformat(followed["c-1"][name]) for name in ("since", "until"))
        assert (until - since).days == 100
        house.clock.move(days=270)
        await house.settle()
        assert steps(await case_of(house))["follow_up"] == "done"
        assert (await case_of(house))["status"] == "cleared"
