"""What people do in a handover: tasks, documents, introductions, visits, and the certificate at the end."""

from typing import Any

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
    waits,
)
from tests.support.house import House

NORA, OTTO, PETRA = ("employee", "nora"), ("employee", "otto"), ("employee", "petra")


async def task_of(house: House, case: dict[str, Any], kind: str) -> dict[str, Any]:
    tasks = await listed(house, f"tasks?case_id={case['id']}")
    return next(task for task in tasks if task["kind"] == kind)


async def do(house: House, who: Any, path: str, **body: Any) -> Any:
    return await house.call(who, "POST", f"/offboarding/v1/{path}", json=body)


async def test_tasks_that_need_no_successor_open_with_the_freeze_and_training_after_the_transfer() -> None:
    async with company() as house:
        case = await resign(house)
        kinds = {task["kind"] for task in await listed(house, f"tasks?case_id={case['id']}")}
        assert kinds == {"successful_actions", "documents", "undertaking", "team_meeting"}
        case = await approve(house, case)
        training = await task_of(house, case, "training")
        assert (training["assignee_id"], training["status"]) == ("nora", "open")


async def test_a_leaver_sees_and_does_their_own_tasks_though_frozen() -> None:
    async with company() as house:
        case = await resign(house)
        mine = await listed(house, "tasks", NORA)
        assert {task["kind"] for task in mine} == {"successful_actions", "documents", "undertaking"}
        task = await task_of(house, case, "undertaking")
        assert (await do(house, NORA, f"tasks/{task['id']}/complete", proof="signed")).json()["status"] == "done"


async def test_completing_a_task_again_gives_the_same_answer() -> None:
    async with company() as house:
        task = await task_of(house, await resign(house), "undertaking")
        first = await do(house, NORA, f"tasks/{task['id']}/complete", proof="signed")
        again = await do(house, NORA, f"tasks/{task['id']}/complete", proof="signed")
        assert first.json() == again.json()
        assert (await do(house, HEAD, f"tasks/{task['id']}/waive", reason="no")).status_code == 409


async def test_a_task_that_wants_proof_is_not_done_without() -> None:
    async with company() as house:
        task = await task_of(house, await resign(house), "undertaking")
        answer = await do(house, NORA, f"tasks/{task['id']}/complete")
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:holdfast:proof_wanted")


async def test_only_the_head_of_sales_waives_and_only_with_a_reason() -> None:
    async with company() as house:
        task = await task_of(house, await resign(house), "undertaking")
        path = f"tasks/{task['id']}/waive"
        assert (await do(house, NORA, path, reason="no")).status_code == 403
        assert (await do(house, "hr", path, reason="no")).status_code == 403
        assert (await do(house, HEAD, path)).status_code == 422
        assert (await do(house, HEAD, path, reason="signed on paper")).json()["status"] == "waived"
        kinds = [envelope.data.kind for envelope in await house.sent("offboarding", "journal.entry")]
        assert "task_waived" in kinds


async def test_others_do_not_know_of_a_task() -> None:
    async with company() as house:
        task = await task_of(house, await resign(house), "undertaking")
        assert (await do(house, PETRA, f"tasks/{task['id']}/complete", proof="x")).status_code == 404
        assert await listed(house, "tasks", PETRA) == []
        assert await listed(house, "cases", PETRA) == []
        assert (await house.call(("sales_head", "petra"), "GET", "/offboarding/v1/cases")).json()["items"] == []


async def test_documents_are_signed_for_by_the_receiver_before_their_task_is_done() -> None:
    async with company() as house:
        case = await resign(house)
        listed_ = await do(
            house, NORA, f"cases/{case['id']}/documents", id="d-1", title="Prices", kind="sheet", location="shelf 3"
        )
        assert listed_.status_code == 201
        task = await task_of(house, case, "documents")
        assert (await do(house, NORA, f"tasks/{task['id']}/complete")).json()["type"] == "urn:holdfast:inventory_open"
        assert (await do(house, OTTO, "documents/d-1/receive")).status_code == 404
        nobody = await do(house, NORA, "documents/d-1/hand_over", receiver_id="nobody")
        assert (nobody.status_code, nobody.json()["reason"]) == (422, "unknown_employee")
        frozen = await do(house, NORA, "documents/d-1/hand_over", receiver_id="nora")
        assert (frozen.status_code, frozen.json()["reason"]) == (409, "frozen")
        handed = await do(house, NORA, "documents/d-1/hand_over", receiver_id="otto")
        assert (handed.json()["status"], handed.json()["receiver_id"]) == ("handed_over", "otto")
        assert (await do(house, NORA, "documents/d-1/receive")).status_code == 403
        received = await do(house, OTTO, "documents/d-1/receive")
        assert (received.json()["status"], received.json()["received_by"]) == ("received", "otto")
        assert (await do(house, NORA, f"tasks/{task['id']}/complete")).json()["status"] == "done"


async def test_a_document_goes_to_the_manager_where_no_receiver_is_named_and_no_successor_known() -> None:
    async with company() as house:
        case = await resign(house)
        path = f"/offboarding/v1/cases/{case['id']}"
        await do(house, NORA, f"cases/{case['id']}/documents", id="d-1", title="Prices", kind="sheet", location="x")
        handed = await house.ok(NORA, "POST", "/offboarding/v1/documents/d-1/hand_over")
        assert handed["status"] == "handed_over"
        assert handed["receiver_id"] is not None
        timeline = await house.ok("hr", "GET", f"{path}/timeline")
        assert all(isinstance(entry["id"], str) for entry in timeline["items"])
        task = await task_of(house, case, "undertaking")
        answer = await house.call(NORA, "POST", f"/offboarding/v1/tasks/{task['id']}/complete")
        assert answer.json()["reason"] == "proof_wanted"


async def test_an_introduction_goes_from_proposed_to_confirmed_with_a_pass_for_the_leaver() -> None:
    async with company() as house:
        case = await approve(house, await resign(house))
        one = (await listed(house, f"cases/{case['id']}/introductions"))[0]
        successor, path = ("employee", one["to_id"]), f"introductions/{one['id']}"
        check = {"employee_id": "nora", "client_id": one["client_id"], "action": "contact"}
        assert not (await house.ok("service", "POST", "/clients/v1/access/check", json=check))["allowed"]
        assert (await do(house, NORA, f"{path}/accept")).status_code == 403
        assert (await do(house, NORA, f"{path}/introduce")).status_code == 409
        assert (await do(house, successor, f"{path}/accept")).json()["status"] == "accepted"
        assert (await do(house, NORA, f"{path}/brief", pitfalls="hates mail")).json()["status"] == "briefed"
        await house.settle()
        assert (await house.ok("service", "POST", "/clients/v1/access/check", json=check))["reason"] == "pass"
        shown = {item["id"]: item for item in await listed(house, f"cases/{case['id']}/introductions")}
        assert shown[one["id"]]["pass_status"] == "granted"
        assert (await do(house, NORA, f"{path}/introduce")).json()["status"] == "introduced"
        assert (await do(house, successor, f"{path}/confirm", by="Maria", how="mail")).json()["status"] == "confirmed"
        assert (await do(house, successor, f"{path}/confirm")).json()["status"] == "confirmed"


async def test_briefed_anew_for_another_colleague_the_leaver_has_another_pass() -> None:
    async with company() as house:
        case = await approve(house, await resign(house), edits=[{"client_id": "c-1", "to_id": "otto"}])
        introductions = await listed(house, f"cases/{case['id']}/introductions")
        path = next(f"introductions/{one['id']}" for one in introductions if one["client_id"] == "c-1")
        windows = []
        for successor, day in (("otto", 1), ("petra", 5)):
            assert (await do(house, ("employee", successor), f"{path}/accept")).status_code == 200
            meeting = house.clock.day(day).isoformat()
            assert (await do(house, NORA, f"{path}/brief", next_date=meeting)).json()["status"] == "briefed"
            await house.settle()
            passes = await house.ok("hr", "GET", "/clients/v1/access/passes?employee_id=nora&client_id=c-1")
            days = ((house.clock.day_of(one["from"]), one["withdrawn_at"] is None) for one in passes["items"])
            windows.append(sorted(days))
            if successor == "otto":
                move = {"client_id": "c-1", "from_id": "otto", "to_id": "petra"}
                await house.ok("director", "POST", "/clients/v1/transfers", json={"items": [move], "reason": "trip"})
                await house.settle()
        first, second = (house.clock.day(day) for day in (1, 5))
        assert windows == [[(first, True)], [(first, False), (second, True)]]


async def test_a_client_who_refuses_becomes_a_visit_of_the_head_of_sales() -> None:
    async with company() as house:
        case = await approve(house, await resign(house))
        for visit in await listed(house, "visits?assignee_id=hanna"):
            await house.ok(HEAD, "POST", f"/offboarding/v1/visits/{visit['id']}/outcome", json={"outcome": "kept"})
        one = (await listed(house, f"cases/{case['id']}/introductions"))[0]
        refused = await do(
            house, ("employee", one["to_id"]), f"introductions/{one['id']}/refuse", by="client", reason="x"
        )
        assert refused.json()["status"] == "refused"
        visits = [visit for visit in await listed(house, "visits") if visit["status"] == "open"]
        assert [(visit["client_id"], visit["why"]) for visit in visits] == [(one["client_id"], ["refused_by_client"])]


async def test_hr_sees_introductions_without_the_briefs() -> None:
    async with company() as house:
        case = await approve(house, await resign(house))
        one = (await listed(house, f"cases/{case['id']}/introductions"))[0]
        await do(house, ("employee", one["to_id"]), f"introductions/{one['id']}/accept")
        await do(house, NORA, f"introductions/{one['id']}/brief", pitfalls="hates mail")
        path = f"cases/{case['id']}/introductions"
        briefs = {
            who if isinstance(who, str) else who[1]: {
                item["id"]: item["brief"] for item in await listed(house, path, who)
            }
            for who in ("hr", HEAD, ("employee", one["to_id"]))
        }
        assert briefs["hr"][one["id"]] is None
        assert briefs["hanna"][one["id"]] == {"pitfalls": "hates mail"} == briefs[one["to_id"]][one["id"]]


async def test_the_top_of_the_list_becomes_visits_with_deadlines() -> None:
    async with company(clients=10, orders=0, visit_days=2, visits_per_day=2) as house:
        case = await resign(house)
        visits = sorted(await listed(house, f"visits?case_id={case['id']}"), key=lambda visit: visit["rank"])
        assert [visit["client_id"] for visit in visits] == ["c-10", "c-9", "c-8", "c-7"]
        assert {visit["assignee_id"] for visit in visits} == {"hanna"}
        days = [visit["due_on"] for visit in visits]
        assert days[0] == days[1] < days[2] == days[3]


async def test_an_outcome_is_recorded_once() -> None:
    async with company() as house:
        await resign(house)
        path = f"visits/{(await listed(house, 'visits'))[0]['id']}/outcome"
        assert (await do(house, PETRA, path, outcome="kept")).status_code == 404
        assert (await do(house, HEAD, path, outcome="at_risk", note="call again")).json()["status"] == "done"
        assert (await do(house, HEAD, path, outcome="at_risk")).status_code == 200
        assert (await do(house, HEAD, path, outcome="lost")).status_code == 409


async def test_the_checklist_is_the_companys_and_applies_to_cases_that_begin_later() -> None:
    async with company() as house:
        entry = {"title": "Return the laptop", "who": "hr", "due": {"working_days": 1, "counted_from": "last_day"}}
        answer = await house.call("hr", "PUT", "/offboarding/v1/checklist", json={"items": [entry]})
        assert [item["kind"] for item in answer.json()["items"]][-1] == "own_1"
        tag = answer.headers["etag"]
        again = await house.call(
            "hr", "PUT", "/offboarding/v1/checklist", json=answer.json(), headers={"If-Match": tag}
        )
        assert (again.status_code, again.headers["etag"]) == (200, tag)
        stale = await house.call(
            "hr", "PUT", "/offboarding/v1/checklist", json={"items": []}, headers={"If-Match": '"0"'}
        )
        assert stale.status_code == 412
        task = await task_of(house, await resign(house), "own_1")
        assert (task["title"], task["assignee_id"]) == ("Return the laptop", None)
        assert (await do(house, "hr", f"tasks/{task['id']}/complete")).json()["status"] == "done"


async def test_the_certificate_says_what_was_done_by_whom_and_when() -> None:
    async with company() as house:
        case = await approve(house, await resign(house))
        path = f"/offboarding/v1/cases/{case['id']}/certificate"
        assert (await house.call(HEAD, "GET", path)).json()["type"] == "urn:holdfast:not_cleared"
        task = await task_of(house, case, "training")
        await house.ok(
            HEAD, "POST", f"/offboarding/v1/tasks/{task['id']}/waive", json={"reason": "<b>knows it all</b>"}
        )
        await do_tasks(house, case)
        await introduce(house, case)
        await leave(house)
        certificate = await house.ok(HEAD, "GET", path)
        done = {item["what"]: item for item in certificate["items"]}
        assert (done["undertaking"]["status"], done["undertaking"]["by_id"]) == ("done", "nora")
        assert (done["training"]["status"], done["training"]["reason"]) == ("waived", "<b>knows it all</b>")
        assert done["approval"]["by_id"] == certificate["plan"]["approved_by"] == "hanna"
        page = await house.call(HEAD, "GET", path, headers={"Accept": "text/html"})
        assert page.headers["content-type"].startswith("text/html")
        assert "&lt;b&gt;knows it all&lt;/b&gt;" in page.text
        assert (await house.call(HEAD, "GET", path, headers={"Accept": "application/pdf"})).status_code == 406


async def test_a_case_says_what_it_waits_for() -> None:
    async with company() as house:
        case = await approve(house, await resign(house))
        waiting = waits(await case_of(house))
        assert {("undertaking", "nora"), ("team_meeting", "hanna"), ("visits", "hanna"), ("last_day", None)} <= waiting
        assert {who for what, who in waiting if what == "introductions"} <= {"otto", "petra"}
        timeline = await listed(house, f"cases/{case['id']}/timeline")
        assert [entry["what"] for entry in timeline][:2] == ["started", "step_begun"]
        assert "plan_approved" in [entry["what"] for entry in timeline]
