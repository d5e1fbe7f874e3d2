"""A whole departure through the door of offboarding, with the other three services beside it."""

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
    waits,
)


async def test_a_resignation_freezes_assesses_and_proposes_a_plan_that_waits_for_the_head_of_sales() -> None:
    async with company() as house:
        case = await resign(house)
        assert case["status"] == "open"
        assert steps(case) == {
            "freeze": "done",
            "assess": "done",
            "plan": "waiting",
            "transfer": "pending",
            "hand_over": "waiting",
            "clear": "pending",
            "follow_up": "pending",
        }
        assert ("plan_approval", "hanna") in waits(case)
        plan = await house.ok(HEAD, "GET", f"/offboarding/v1/cases/{case['id']}/plan")
        assert {item["client_id"] for item in plan["items"]} == {"c-1", "c-2", "c-3", "c-4"}
        assert {item["to_id"] for item in plan["items"]} <= {"otto", "petra"}
        assert [(stage["order_id"], stage["stage"]) for stage in plan["stages"]] == [("o-1", "placement")]
        assert plan["gap"] < 1e-9


async def test_a_departure_is_cleared_when_everything_is_done_and_the_last_day_is_over() -> None:
    async with company() as house:
        case = await approve(house, await resign(house))
        assert steps(case)["transfer"] == "done"
        await do_tasks(house, case)
        await introduce(house, case)
        case = await case_of(house)
        assert waits(case) == {("last_day", None), ("visits", "hanna")}
        case = await leave(house)
        assert case["status"] == "cleared"
        certificate = await house.ok(HEAD, "GET", f"/offboarding/v1/cases/{case['id']}/certificate")
        assert certificate["figures"] == {"clients": 4, "kept": 4, "visits": 4, "waived": 0}
        followups = await listed(house, f"followups?case_id={case['id']}")
        assert len(followups) == 4
