"""protocols.md: grounds, two roads and one door, locks, who may act."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx

from shared.contracts.clients import FreezeAccess
from shared.contracts.staff import EmployeeResigned
from tests.stories.actions import (
    DIRECTOR,
    HEAD,
    HR,
    approve_plan,
    as_employee,
    check_access,
    get_case,
    get_owners,
    resign,
    send_hris_message,
)
from tests.stories.company import OWNERS, get_day
from tests.stories.three_ways import WatchedHouse

GROUNDS = "SELECT kind, ref, case_id, ended_at FROM grounds WHERE employee_id = 'anna'"


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """The status of a refusal, and the reason of its problem."""
    return answer.status_code, answer.json()["reason"]


async def employment(house: WatchedHouse, who: str) -> str:
    return str(await house.scalar("clients", "SELECT employment_id FROM people WHERE employee_id = :id", id=who))


async def resigned(house: WatchedHouse, who: str, caretakers: list[str]) -> EmployeeResigned:
    return EmployeeResigned(
        employee_id=who,
        employment_id=await employment(house, who),
        status="resigned",
        department_id="sales",
        notice_on=get_day(0),
        last_day=get_day(14),
        caretakers=caretakers,
    )


async def command(house: WatchedHouse, ref: str) -> FreezeAccess:
    about = {"command_id": "case-1/freeze/access", "case_id": "case-1", "epoch": 1, "employee_id": "anna"}
    return FreezeAccess(**about, employment_id=await employment(house, "anna"), ref=ref, caretakers=["ben", "hana"])


async def test_a_late_replay_of_a_departure_adds_no_ground(house: WatchedHouse) -> None:
    event = await resigned(house, "anna", ["ben"])
    await house.deliver("clients", event, sequence=900)
    once = await house.rows("clients", GROUNDS)
    stand_ins = await house.rows("clients", "SELECT * FROM stand_ins")
    await house.deliver("clients", event, sequence=900)
    assert await house.rows("clients", GROUNDS) == once
    assert await house.rows("clients", "SELECT * FROM stand_ins") == stand_ins


async def test_event_then_command_and_command_then_event_make_one_ground_bound_to_the_case(house: WatchedHouse) -> None:
    await house.deliver("clients", await resigned(house, "anna", ["ben"]), sequence=900)
    await house.deliver("clients", await command(house, "900"), source="offboarding")
    (ground,) = await house.rows("clients", GROUNDS)
    assert (ground["ref"], ground["case_id"]) == ("900", "case-1")


async def test_command_before_the_event_freezes_and_the_event_adds_nothing(house: WatchedHouse) -> None:
    await house.deliver("clients", await command(house, "900"), source="offboarding")
    assert await check_access(house, "anna", "c-1") == "frozen"
    await house.deliver("clients", await resigned(house, "anna", ["ben"]), sequence=900)
    (ground,) = await house.rows("clients", GROUNDS)
    assert (ground["ref"], ground["case_id"]) == ("900", "case-1")
    assert await check_access(house, "ben", "c-1") == "caretaker"


async def test_a_replay_of_the_old_departure_after_a_rehire_freezes_nobody(house: WatchedHouse) -> None:
    event = await resigned(house, "anna", ["ben"])
    await send_hris_message(house, "employee.left", "anna", on=str(get_day(0)))
    await house.settle()
    house.clock.move(days=2)
    await send_hris_message(house, "employee.rehired", "anna", hired_on=str(get_day(2)))
    await house.settle()
    await house.deliver("clients", event, sequence=2)
    assert await check_access(house, "anna", "c-1") == "no_relation"
    assert not await house.scalar("clients", "SELECT frozen FROM people WHERE employee_id = 'anna'")


async def test_somebody_not_heard_of_yet_is_inserted_frozen(house: WatchedHouse) -> None:
    await house.deliver(
        "clients",
        FreezeAccess(
            command_id="x/freeze/access",
            case_id="x",
            epoch=1,
            employee_id="new",
            employment_id="e-new",
            ref="1",
            caretakers=["ben"],
        ),
        source="offboarding",
    )
    assert await check_access(house, "new", "c-1") == "frozen"
    body = {"id": "c-x", "name": "X", "owner_id": "new", "contacts": [], "team": {}}
    assert refusal(await house.call("service", "POST", "/clients/v1/clients", json=body)) == (409, "frozen")


async def test_a_command_of_an_older_epoch_is_answered_stale(house: WatchedHouse) -> None:
    await house.deliver("clients", (await command(house, "900")).model_copy(update={"epoch": 3}), source="offboarding")
    late = (await command(house, "900")).model_copy(update={"epoch": 2, "command_id": "case-1/late"})
    await house.deliver("clients", late, source="offboarding", sequence=2)
    answers = {one.data.command_id: one.data.outcome for one in await house.sent("clients", "command.answered")}
    assert answers == {"case-1/freeze/access": "done", "case-1/late": "stale"}


async def test_two_deputies_frozen_at_the_same_instant_leave_no_client_alone(house: WatchedHouse) -> None:
    events = [await resigned(house, "anna", ["ben", "hana"]), await resigned(house, "ben", ["anna", "hana"])]
    await asyncio.gather(*(house.deliver("clients", event, sequence=900) for event in events))
    assert house.truths is not None
    await house.truths.look(house)
    assert set((await get_owners(house, [c for c, owner in OWNERS.items() if owner in ("anna", "ben")])).values()) == {
        "hana"
    }


async def test_clients_created_in_the_instant_of_a_freeze_are_refused_or_in_the_caretakers_hands(
    house: WatchedHouse,
) -> None:
    async def create(number: int) -> Any:
        body = {"id": f"race-{number}", "name": "Race", "owner_id": "anna", "contacts": [], "team": {}}
        return (await house.call("service", "POST", "/clients/v1/clients", json=body)).status_code

    event = await resigned(house, "anna", ["ben"])
    codes = await asyncio.gather(
        *(create(n) for n in range(6)), house.deliver("clients", event, sequence=900), create(7)
    )
    assert set(codes) <= {201, 409, None}
    assert house.truths is not None
    await house.truths.look(house)
    made = {client: owner for client, owner in (await get_owners(house)).items() if client.startswith("race")}
    assert set(made.values()) <= {"ben"}
    assert len(made) == codes.count(201)


async def test_only_the_case_lifts_the_freeze_of_a_case(house: WatchedHouse) -> None:
    await resign(house, "anna")
    await house.settle()
    refused = await house.call(HR, "DELETE", "/clients/v1/access/freezes/anna?reason=please")
    assert refusal(refused) == (409, "freeze_of_case")
    assert await check_access(house, "anna", "c-1") == "frozen"


async def test_one_person_freezes_at_once_and_lifting_takes_two_people_in_two_roles(house: WatchedHouse) -> None:
    body = {"employee_id": "anna", "reason": "Files were seen elsewhere"}
    assert (await house.call(HR, "POST", "/clients/v1/access/freezes", json=body)).status_code == 201
    assert await check_access(house, "anna", "c-1") == "frozen"
    await house.settle()
    assert {
        s["status"] for s in await house.rows("orders", "SELECT status FROM stages WHERE employee_id = 'anna'")
    } == {"held"}
    path = "/clients/v1/access/freezes/anna?reason=It+was+nothing"
    assert (await house.call(HR, "DELETE", path)).status_code == 202
    assert (await house.call(HR, "DELETE", path)).status_code == 202
    assert refusal(await house.call(("hr", "another-of-hr"), "DELETE", path)) == (409, "needs_another_role")
    assert await check_access(house, "anna", "c-1") == "frozen"
    assert (await house.call(DIRECTOR, "DELETE", path)).status_code == 200
    await house.settle()
    assert await check_access(house, "anna", "c-1") == "owner"
    assert not await house.rows("orders", "SELECT 1 FROM stages WHERE status = 'held'")


async def test_where_a_freeze_is_in_force_is_shown_for_each_service(house: WatchedHouse) -> None:
    await resign(house, "anna")
    await house.settle()
    assert {"clients", "orders"} <= set((await house.ok(HR, "GET", "/clients/v1/access/freezes/anna"))["in_force"])


async def test_nobody_acts_on_their_own_case_whatever_their_role(house: WatchedHouse) -> None:
    await resign(house, "hana")
    await house.settle()
    case = (await get_case(house, "hana"))["id"]
    for method, path, body in (
        ("POST", f"/offboarding/v1/cases/{case}/plan/approval", {"version": 1, "edits": []}),
        ("POST", "/clients/v1/access/passes", {**_pass("hana", "c-12", house)}),
    ):
        assert refusal(await house.call(HEAD, method, path, json=body)) == (403, "frozen"), path
    await approve_plan(house, "hana", by=DIRECTOR)


def _pass(who: str, client: str, house: WatchedHouse) -> dict[str, Any]:
    now = house.clock()
    until = now + timedelta(hours=14)
    window = {"from": now.isoformat(), "until": until.isoformat()}
    return {"employee_id": who, "client_id": client, "purpose": "work", **window}


async def test_a_frozen_caller_has_no_role_but_employee_and_keeps_the_doors_of_the_handover(
    house: WatchedHouse,
) -> None:
    await resign(house, "hana")
    await house.settle()
    assert refusal(await house.call(HEAD, "GET", "/clients/v1/clients/c-12")) == (403, "frozen")
    assert refusal(await house.call(HEAD, "GET", "/clients/v1/clients/c-1")) == (403, "frozen")
    tasks = await house.ok(as_employee("hana"), "GET", "/offboarding/v1/tasks?assignee_id=hana")
    assert tasks["items"]


async def test_held_stages_are_worked_on_by_nobody_until_a_head_or_a_work_pass_releases_them(
    house: WatchedHouse,
) -> None:
    await resign(house, "anna")
    await house.settle()
    stage = "/orders/v1/orders/o-1/stages/offer"
    assert refusal(await house.call(as_employee("anna"), "POST", f"{stage}/start")) == (404, "not_found")
    moved = await house.call(HEAD, "PUT", f"{stage}/assignee", json={"employee_id": "cleo"})
    assert moved.status_code == 200, moved.text

    await house.ok(HEAD, "POST", "/clients/v1/access/passes", json=_pass("anna", "c-2", house))
    await house.settle()
    assert await check_access(house, "anna", "c-2", "edit") == "pass"
    assert await check_access(house, "anna", "c-2", "export") == "frozen"
    await house.ok(as_employee("anna"), "POST", "/orders/v1/orders/o-2/stages/offer/start")
