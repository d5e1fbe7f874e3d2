"""What fails goes forward to a person; what comes twice, or in the middle of a crash, ends the same."""

from datetime import date

import pytest

from services.offboarding.cases.rules import Departure, make_case_id
from services.offboarding.cases.store import DEPARTURE_ADAPTER
from shared.contracts.clients import CommandAnswered
from tests.services.offboarding.company import (
    HEAD,
    approve,
    case_of,
    company,
    do_tasks,
    introduce,
    leave,
    listed,
    resign,
    steps,
)
from tests.support.house import House


async def test_a_transfer_that_is_refused_needs_a_person_and_is_planned_anew() -> None:
    async with company() as house:
        case = await resign(house)
        plan = await house.ok(HEAD, "GET", f"/offboarding/v1/cases/{case['id']}/plan")
        gone = plan["items"][0]["to_id"]
        refused = {item["client_id"] for item in plan["items"] if item["to_id"] == gone}
        body = {"employee_id": gone, "reason": "laptop stolen"}
        await house.ok(HEAD, "POST", f"/offboarding/v1/cases/{case['id']}/plan/approval", json={"version": 1})
        await house.ok("hr", "POST", "/clients/v1/access/freezes", json=body)
        await house.settle()
        case = await case_of(house)
        assert case["status"] == "needs_person"
        assert ("partly_refused", "hanna") in {(one["what"], one["who_id"]) for one in case["waiting_for"]}
        assert {told.data.step for told in await house.sent("offboarding", "case.needs_person")} == {"transfer"}
        await house.ok(HEAD, "POST", f"/offboarding/v1/cases/{case['id']}/retry", json={})
        await house.settle()
        anew = await house.ok(HEAD, "GET", f"/offboarding/v1/cases/{case['id']}/plan")
        (other,) = {"otto", "petra"} - {gone}
        assert {item["client_id"]: item["to_id"] for item in anew["items"]} == dict.fromkeys(refused, other)
        case = await approve(house, await case_of(house))
        assert (case["status"], steps(case)["transfer"]) == ("open", "done")
        assert set((await owners(house)).values()) == {other}


async def test_what_failed_can_be_skipped_with_a_reason_and_is_written_through_at_the_end() -> None:
    async with company() as house:
        case = await resign(house)
        plan = await house.ok(HEAD, "GET", f"/offboarding/v1/cases/{case['id']}/plan")
        planned = {item["client_id"]: item["to_id"] for item in plan["items"]}
        gone = plan["items"][0]["to_id"]
        await house.ok(HEAD, "POST", f"/offboarding/v1/cases/{case['id']}/plan/approval", json={"version": 1})
        await house.ok("hr", "POST", "/clients/v1/access/freezes", json={"employee_id": gone, "reason": "stolen"})
        await house.settle()
        body = {"reason": "their caretaker keeps them"}
        await house.ok(HEAD, "POST", f"/offboarding/v1/cases/{case['id']}/skip", json=body)
        await house.settle()
        case = await case_of(house)
        await do_tasks(house, case)
        for one in await listed(house, f"cases/{case['id']}/introductions"):
            if one["status"] == "proposed":
                refusal = {"by": "successor", "reason": "frozen"}
                await house.ok(HEAD, "POST", f"/offboarding/v1/introductions/{one['id']}/refuse", json=refusal)
        case = await leave(house)
        assert (case["status"], steps(case)["transfer"], steps(case)["clear"]) == ("cleared", "skipped", "done")
        assert gone == "otto"  # who would be the first of nora's caretakers, so what was his went on to hanna
        assert await owners(house) == {client: "hanna" if to == gone else to for client, to in planned.items()}


async def test_a_stage_that_the_caretaker_may_not_do_goes_to_nobody_and_holds_no_case_up() -> None:
    async with company() as house:
        await house.ok("hr", "PUT", "/staff/v1/employees/dana/deputy", json={"deputy_id": "petra"})
        case = await resign(house, "dana")  # nobody else delivers, and petra only sells
        await approve(house, case)
        await do_tasks(house, case)
        case = await leave(house, "dana")
        assert (case["status"], case["waiting_for"]) == ("cleared", [])
        order = await house.ok("director", "GET", "/orders/v1/orders/o-1")
        assert [(one["name"], one["assignee_id"], one["status"]) for one in order["stages"][1:]] == [
            ("delivery", None, "waiting")
        ]
        kinds = [
            event.data for event in await house.sent("orders", "journal.entry") if event.data.kind == "stage.assigned"
        ]
        assert (kinds[-1].employee_id, kinds[-1].details["from_id"]) == (None, "dana")


async def owners(house: House) -> dict[str, str]:
    """The owner of record of each client."""
    rows = await house.rows("clients", "SELECT client_id, owner_id FROM clients ORDER BY 1")
    return {row["client_id"]: row["owner_id"] for row in rows}


async def test_nothing_failed_is_a_refusal() -> None:
    async with company() as house:
        case = await resign(house)
        answer = await house.call(HEAD, "POST", f"/offboarding/v1/cases/{case['id']}/skip", json={"reason": "x"})
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:holdfast:nothing_failed")


async def test_late_foreign_and_duplicate_answers_do_nothing() -> None:
    async with company() as house:
        case = await resign(house)
        before = await house.rows("offboarding", "SELECT * FROM case_items ORDER BY position")
        for command_id in (f"{case['id']}/freeze/access", f"{case['id']}/transfer/clients-1-1", "other/freeze/access"):
            answer = CommandAnswered(
                command_id=command_id,
                case_id=command_id.partition("/")[0],
                employee_id="nora",
                outcome="refused",
                reason="x",
            )
            await house.deliver("offboarding", answer, source="clients", sequence=99)
        assert await house.rows("offboarding", "SELECT * FROM case_items ORDER BY position") == before


def test_the_same_announcement_makes_the_same_case() -> None:
    departure = Departure("e", "e-1", "7", (), date(2026, 1, 1), date(2026, 2, 1))
    assert make_case_id(departure) == make_case_id(
        DEPARTURE_ADAPTER.validate_json(DEPARTURE_ADAPTER.dump_json(departure))
    )


async def whole_departure(house: House) -> None:
    case = await approve(house, await resign(house))
    await do_tasks(house, case)
    await introduce(house, case)
    await leave(house)


async def end_of(house: House) -> dict[str, object]:
    """What must be the same however it came about."""
    case = await case_of(house)
    return {
        "status": case["status"],
        "steps": {step["name"]: (step["status"], step["items"], step["done"]) for step in case["steps"]},
        "owners": await owners(house),
        "tasks": await house.rows("offboarding", "SELECT kind, status, assignee_id FROM tasks ORDER BY 1"),
        "introductions": await house.rows(
            "offboarding", "SELECT client_id, to_id, status FROM introductions ORDER BY 1"
        ),
        "visits": await house.rows("offboarding", "SELECT client_id, rank, status FROM visits ORDER BY 1"),
        "jobs": await house.rows("offboarding", "SELECT kind, status FROM jobs ORDER BY 1"),
        "events": await house.rows("offboarding", "SELECT type, count(*) FROM outbox GROUP BY 1 ORDER BY 1"),
    }


@pytest.mark.parametrize(
    "every", [0, 11, 13]
)  # an attempt of a job, with the journal of what it reads, takes up to ten
async def test_a_departure_ends_the_same_with_every_message_twice_and_with_crashes(every: int) -> None:
    async with company(clients=2) as house:
        await whole_departure(house)
        expected = await end_of(house)
    async with company(clients=2, twice=not every) as house:
        if every:
            first = house.commits
            house.crashes = lambda commit: (commit - first) % every == 0
        await whole_departure(house)
        house.crashes = lambda commit: False
        assert (house.crashed > 0) is (every > 0)
        assert await end_of(house) == expected
