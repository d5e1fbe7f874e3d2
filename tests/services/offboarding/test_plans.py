"""The plan at the door: seen, edited, approved, refused, made anew, and as a dry run."""

from typing import Any

from tests.services.offboarding.company import (
    HEAD,
    approve,
    case_of,
    company,
    leave,
    listed,
    resign,
    steps,
)
from tests.support.house import House


async def plan_of(house: House, case: dict[str, Any]) -> dict[str, Any]:
    plan: dict[str, Any] = await house.ok(HEAD, "GET", f"/offboarding/v1/cases/{case['id']}/plan")
    return plan


async def approval(house: House, case: dict[str, Any], who: Any = HEAD, **body: Any) -> Any:
    return await house.call(
        who, "POST", f"/offboarding/v1/cases/{case['id']}/plan/approval", json={"version": 1, **body}
    )


async def test_an_edited_plan_is_carried_out_as_edited() -> None:
    async with company() as house:
        case = await resign(house)
        edits = [{"client_id": "c-1", "to_id": "petra"}, {"order_id": "o-1", "stage": "placement", "to_id": "petra"}]
        case = await approve(house, case, edits=edits)
        assert steps(case)["transfer"] == "done"
        assert await house.scalar("clients", "SELECT owner_id FROM clients WHERE client_id = 'c-1'") == "petra"
        assert await house.scalar("orders", "SELECT employee_id FROM stages WHERE name = 'placement'") == "petra"


async def test_an_edit_that_breaks_a_rule_is_refused_and_nothing_is_approved() -> None:
    async with company() as house:
        case = await resign(house)
        for edit, status, code in (
            ({"client_id": "c-1", "to_id": "nora"}, 409, "not_eligible"),
            ({"client_id": "c-1", "to_id": "dana"}, 409, "no_function"),
            ({"client_id": "c-9", "to_id": "otto"}, 422, "unknown"),
            ({"order_id": "o-1", "stage": "delivery", "to_id": "otto"}, 422, "unknown"),
        ):
            answer = await approval(house, case, edits=[edit])
            assert answer.status_code == status
            assert [one["code"] for one in answer.json()["violations"]] == [code]
        assert (await plan_of(house, case))["status"] == "proposed"


async def test_separation_is_kept_when_a_plan_is_edited() -> None:
    async with company() as house:
        await house.ok("hr", "PATCH", "/staff/v1/employees/dana", json={"functions": {"sales": 40, "delivery": 40}})
        await house.settle()
        case = await resign(house)
        answer = await approval(house, case, edits=[{"order_id": "o-1", "stage": "placement", "to_id": "dana"}])
        assert (answer.status_code, answer.json()["violations"][0]["code"]) == (409, "separation")


async def test_an_old_version_is_refused_after_the_plan_was_made_anew() -> None:
    async with company() as house:
        case = await resign(house)
        await house.ok(HEAD, "POST", f"/offboarding/v1/cases/{case['id']}/retry", json={"step": "plan"})
        await house.settle()
        assert (await plan_of(house, case))["version"] == 2
        assert (await approval(house, case)).json()["type"] == "urn:holdfast:old_version"
        assert (await approval(house, case, version=2)).status_code == 200


async def test_approving_twice_gives_the_same_answer() -> None:
    async with company() as house:
        case = await resign(house)
        first, second = await approval(house, case), await approval(house, case)
        assert (first.status_code, second.status_code) == (200, 200)
        assert first.json() == second.json()
        other = await approval(house, case, edits=[{"client_id": "c-1", "to_id": "petra"}])
        assert other.json()["type"] == "urn:holdfast:not_proposed"


async def test_an_answer_is_kept_by_its_key_and_given_again_as_it_was() -> None:
    async with company() as house:
        case = await resign(house)
        keyed = {"headers": {"Idempotency-Key": "k"}}
        path = f"/offboarding/v1/cases/{case['id']}/plan/approval"
        first = await house.call(HEAD, "POST", path, json={"version": 1}, **keyed)
        await house.settle()
        again = await house.call(HEAD, "POST", path, json={"version": 1}, **keyed)
        assert (again.content, again.headers["Idempotency-Replayed"]) == (first.content, "true")
        drawn = [
            await house.call("hr", "POST", "/offboarding/v1/plans", json={"employee_id": "otto"}, **keyed) for _ in "ab"
        ]
        assert drawn[0].content == drawn[1].content
        other = await house.call("hr", "POST", "/offboarding/v1/plans", json={"employee_id": "petra"}, **keyed)
        assert (other.status_code, other.json()["reason"]) == (422, "idempotency_key_reused")


async def test_a_plan_of_before_a_rehire_takes_nothing_from_the_new_employment() -> None:
    async with company() as house:
        case = await leave(house)
        await house.ok(
            "hr", "POST", "/staff/v1/employees/nora/rehire", json={"hired_on": house.clock.day(1).isoformat()}
        )
        await house.settle()
        back = {"client_id": "c-1", "from_id": "otto", "to_id": "nora"}
        await house.ok("director", "POST", "/clients/v1/transfers", json={"items": [back], "reason": "as before"})
        await house.settle()
        await approve(house, case)
        assert await house.scalar("clients", "SELECT owner_id FROM clients WHERE client_id = 'c-1'") == "nora"


async def test_only_the_head_of_sales_of_the_case_approves_and_never_the_leaver() -> None:
    async with company() as house:
        case = await resign(house)
        for who, status in (
            (("sales_head", "otto"), 404),
            ("hr", 403),
            ("service", 403),
            (("employee", "petra"), 403),
            (("director", "nora"), 403),
            (("sales_head", "nora"), 403),
            (None, 401),
        ):
            assert (await approval(house, case, who)).status_code == status
        assert (await approval(house, case, ("director", "boss"))).status_code == 200


async def test_below_the_threshold_a_plan_approves_itself() -> None:
    async with company(auto_approve_up_to=4) as house:
        case = await resign(house)
        assert steps(case)["transfer"] == "done"
        assert (await plan_of(house, case))["approved_by"] == "offboarding"
    async with company(auto_approve_up_to=3) as house:
        assert steps(await resign(house))["plan"] == "waiting"


async def test_a_plan_of_stages_only_is_below_every_threshold_but_none() -> None:
    for threshold, step in ((1, "done"), (0, "pending")):
        async with company(clients=1, auto_approve_up_to=threshold) as house:
            move = {"client_id": "c-1", "from_id": "nora", "to_id": "petra"}
            given = {"items": [move], "reason": "a new cut of the territory"}
            await house.ok("director", "POST", "/clients/v1/transfers", json=given)
            await house.settle()
            case = await resign(house)
            assert steps(case)["transfer"] == step
            plan = await plan_of(house, case)
            assert (plan["items"], len(plan["stages"])) == ([], 1)


async def test_somebody_without_clients_or_stages_needs_no_approval() -> None:
    async with company(clients=0, orders=0) as house:
        case = await resign(house)
        assert (steps(case)["plan"], steps(case)["transfer"]) == ("done", "skipped")


async def test_what_nobody_can_take_is_listed_with_the_reason_and_stays_with_the_caretaker() -> None:
    async with company() as house:
        for name in ("otto", "petra"):
            await house.ok("hr", "PATCH", f"/staff/v1/employees/{name}", json={"functions": {"sales": 1}})
        await house.settle()
        case = await resign(house)
        plan = await plan_of(house, case)
        assert {one["reason"] for one in plan["unplaced"]} == {"no_capacity"}
        assert len(plan["items"]) + len(plan["stages"]) + len(plan["unplaced"]) == 5
        edits = [{"client_id": one["client_id"], "to_id": "otto"} for one in plan["unplaced"] if "order_id" not in one]
        case = await approve(house, case, edits=edits)
        assert "nora" not in {row["owner_id"] for row in await house.rows("clients", "SELECT owner_id FROM clients")}


async def test_a_successor_who_leaves_before_the_approval_must_be_replaced() -> None:
    async with company() as house:
        case = await resign(house)
        gone = (await plan_of(house, case))["items"][0]["to_id"]
        await resign(house, gone)
        answer = await approval(house, case)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:holdfast:edits_refused")
        await house.ok(HEAD, "POST", f"/offboarding/v1/cases/{case['id']}/retry", json={"step": "plan"})
        await house.settle()
        assert gone not in {one["to_id"] for one in (await plan_of(house, case))["items"]}


async def test_a_dry_run_plans_for_anybody_and_changes_nothing() -> None:
    async with company() as house:
        before = await house.rows("offboarding", "SELECT count(*) FROM outbox")
        plan = await house.ok("hr", "POST", "/offboarding/v1/plans", json={"employee_id": "nora"})
        assert {item["client_id"] for item in plan["items"]} == {"c-1", "c-2", "c-3", "c-4"}
        assert plan["status"] == "dry_run"
        assert await listed(house, "cases", "hr") == []
        assert await house.rows("offboarding", "SELECT count(*) FROM outbox") == before
        assert not await house.scalar("clients", "SELECT frozen FROM people WHERE employee_id = 'nora'")
        unknown = await house.call("hr", "POST", "/offboarding/v1/plans", json={"employee_id": "nobody"})
        assert unknown.status_code == 404


async def test_the_leavers_other_places_are_found() -> None:
    async with company() as house:
        await house.ok("hr", "PUT", "/staff/v1/employees/petra/deputy", json={"deputy_id": "nora"})
        await house.ok("hr", "PATCH", "/staff/v1/employees/otto", json={"manager_id": "nora"})
        await house.ok(
            "service",
            "POST",
            "/clients/v1/clients",
            json={"id": "c-x", "name": "X", "owner_id": "petra", "contacts": [], "team": {"sales": "nora"}},
        )
        await house.settle()
        plan = await plan_of(house, await resign(house))
        assert plan["places"]["deputy_of"] == ["petra"]
        assert plan["places"]["manager_of"] == ["otto"]
        assert [(one["client_id"], one["function"]) for one in plan["team"]] == [("c-x", "sales")]
        await approve(house, await case_of(house))
        assert await house.scalar("clients", "SELECT employee_id FROM team WHERE client_id = 'c-x'") != "nora"


async def test_an_edit_may_take_a_colleague_beyond_capacity_for_clients_which_is_shown_but_not_for_stages() -> None:
    async with company() as house:
        await house.ok("hr", "PATCH", "/staff/v1/employees/petra", json={"functions": {"sales": 1}})
        await house.settle()
        case = await resign(house)
        clients = [{"client_id": f"c-{number}", "to_id": "petra"} for number in (1, 2)]
        stage = {"order_id": "o-1", "stage": "placement", "to_id": "petra"}
        refused = await approval(house, case, edits=[*clients, stage])
        assert refused.json()["violations"] == [{"code": "over", "edits": [0, 1, 2]}]
        approved = await approval(house, case, edits=clients)
        assert [(one["employee_id"], one["points"]) for one in approved.json()["over"]] == [("petra", 1.0)]


async def test_a_plan_for_somebody_rehired_meanwhile_touches_nothing_of_the_new_employment() -> None:
    async with company() as house:
        case = await leave(house)
        hired_on = house.clock.day(1).isoformat()
        await house.ok("hr", "POST", "/staff/v1/employees/nora/rehire", json={"hired_on": hired_on})
        await house.settle()
        client = {"id": "c-new", "name": "New", "owner_id": "nora", "contacts": []}
        await house.ok("service", "POST", "/clients/v1/clients", json=client)
        await house.ok(HEAD, "POST", f"/offboarding/v1/cases/{case['id']}/retry", json={"step": "plan"})
        await house.settle()
        assert (await plan_of(house, case))["items"] == []
        assert steps(await case_of(house))["transfer"] == "skipped"
        assert await house.scalar("clients", "SELECT owner_id FROM clients WHERE client_id = 'c-new'") == "nora"
