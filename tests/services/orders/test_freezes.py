"""A freeze in orders: the open stages of a leaver are held at once, moved by the plan, or given back."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.clients import AccessFrozen, AccessUnfrozen, Ground, PassGranted, PassWithdrawn
from shared.contracts.orders import FreezeStages, StageMove, StagesTransferred, TransferStages, UnfreezeStages
from tests.services.orders.company import (
    FLOW,
    assign_stage,
    get_stages,
    hire,
    leave,
    make_order_body,
    open_company,
    place_order,
    rehire,
    resign,
    work_on_stage,
)
from tests.support.house import House

COMMAND = {"case_id": "case-1", "epoch": 1, "employee_id": "anna"}


async def freeze_by_case(house: House, ref: str = "2", **changed: Any) -> None:
    command = FreezeStages(
        **{**COMMAND, "command_id": "case-1/freeze/1", "employment_id": "anna-1", "ref": ref, "caretakers": ["boris"]}
        | changed
    )
    await house.deliver("orders", command, source="offboarding")


async def unfreeze_by_case(house: House, ref: str = "2") -> None:
    command = UnfreezeStages(
        **COMMAND,  # type: ignore[arg-type]
        command_id="case-1/unfreeze/1",
        employment_id="anna-1",
        ref=ref,
    )
    await house.deliver("orders", command, source="offboarding")


async def transfer(house: House, *moves: tuple[str, str, str, str], id: str = "1", **changed: Any) -> dict[str, str]:
    """Moves `(order, stage, from, to)`; returns the outcomes."""
    items = [StageMove(order_id=o, stage=s, from_id=f, to_id=t) for o, s, f, t in moves]
    command = TransferStages(**{**COMMAND, "command_id": f"case-1/transfer/{id}", "items": items} | changed)
    await house.deliver("orders", command, source="offboarding")
    answer = (await house.sent("orders", "command.answered"))[-1].data
    return {result.id: result.outcome for result in answer.results} or {"": answer.outcome}


async def test_a_resignation_holds_the_open_stages_and_nobody_starts_or_completes_them() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        await place_order(house, "o-2")
        await work_on_stage(house, "service", "o-2", "placement", "start")
        await resign(house, "anna")
        assert (await get_stages(house, "o-1"))["placement"] == ("anna", "held")
        assert (await get_stages(house, "o-2"))["placement"] == ("anna", "held")
        assert (await get_stages(house, "o-1"))["fulfilment"] == ("carla", "waiting")
        for id, verb in (("o-1", "start"), ("o-2", "complete")):
            answer = await work_on_stage(house, "service", id, "placement", verb)
            assert (answer.status_code, answer.json()["reason"]) == (409, "stage_held")
            assert (await work_on_stage(house, ("employee", "anna"), id, "placement", verb)).status_code == 404
        frozen = (await house.sent("orders", "stages.frozen"))[0].data
        assert (frozen.employee_id, frozen.stages, frozen.case_id) == ("anna", 2, None)


async def test_a_frozen_person_sees_no_order_and_gets_no_stage_whatever_their_role() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        await resign(house, "anna")
        for roles in ("employee", "director"):
            answer = await house.call((["employee", roles], "anna"), "GET", "/orders/v1/orders")
            assert answer.json()["items"] == []
        assert (
            await house.call(("director", "anna"), "POST", "/orders/v1/orders", json=make_order_body(house, "x"))
        ).status_code == 403
        answer = await assign_stage(house, "director", "o-1", "fulfilment", "anna")
        assert (answer.status_code, answer.json()["reason"]) == (409, "frozen")
        body = make_order_body(house, "o-9", assignees={"placement": "anna"})
        assert (await house.call("service", "POST", "/orders/v1/orders", json=body)).json()["reason"] == "frozen"
        await house.ok("service", "POST", "/orders/v1/orders", json=make_order_body(house, "o-9"))
        assert "anna" not in [employee for employee, _ in (await get_stages(house, "o-9")).values()]


async def test_the_command_of_the_case_binds_the_freeze_and_is_answered_once() -> None:
    async with open_company(twice=True) as house:
        await place_order(house, "o-1")
        await resign(house, "anna")
        await freeze_by_case(house)
        frozen = [envelope.data for envelope in await house.sent("orders", "stages.frozen")]
        assert [(event.stages, event.case_id) for event in frozen] == [(1, None), (1, "case-1")]
        answers = [envelope.data for envelope in await house.sent("orders", "command.answered")]
        assert [(answer.command_id, answer.outcome) for answer in answers] == [("case-1/freeze/1", "done")]


async def test_the_command_alone_freezes_somebody_never_heard_of() -> None:
    async with open_company() as house:
        await freeze_by_case(house, employee_id="unheard", employment_id="unheard-1")
        await hire(house, "unheard", functions={"sales": 5})
        await place_order(house, "o-1")
        assert (await assign_stage(house, "director", "o-1", "placement", "unheard")).json()["reason"] == "frozen"


async def test_unfreezing_restores_what_each_stage_was() -> None:
    async with open_company() as house:
        for id in ("o-1", "o-2"):
            await place_order(house, id)
        await place_order(house, "o-3", sales="boris", delivery="dmitri")
        await work_on_stage(house, "service", "o-2", "placement", "start")
        await resign(house, "anna")
        await freeze_by_case(house)
        await unfreeze_by_case(house)
        assert (await get_stages(house, "o-1"))["placement"] == ("anna", "ready")
        assert (await get_stages(house, "o-2"))["placement"] == ("anna", "started")
        unfrozen = (await house.sent("orders", "stages.unfrozen"))[0].data
        assert (unfrozen.stages, unfrozen.case_id) == (0, "case-1")
        assert (await work_on_stage(house, ("employee", "anna"), "o-1", "placement", "start")).status_code == 200


async def test_a_held_stage_becomes_ready_behind_its_freeze() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        await resign(house, "carla")
        await work_on_stage(house, "service", "o-1", "placement", "start")
        await work_on_stage(house, "service", "o-1", "placement", "complete")
        assert (await get_stages(house, "o-1"))["fulfilment"] == ("carla", "held")
        assert (await assign_stage(house, ("sales_head", "hanna"), "o-1", "fulfilment", "boris")).status_code == 200
        assert (await get_stages(house, "o-1"))["fulfilment"] == ("boris", "ready")


async def test_an_emergency_and_an_incident_hold_stages_until_both_are_over() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        grounds = [Ground(kind="emergency", ref="e-1"), Ground(kind="incident", ref="i-1")]
        about = {"employee_id": "anna", "employment_id": "anna-1"}
        await house.deliver("orders", AccessFrozen(**about, grounds=grounds), source="clients")  # type: ignore[arg-type]
        assert (await get_stages(house, "o-1"))["placement"] == ("anna", "held")
        for left, status in ((grounds[1:], "held"), ([], "ready")):
            await house.deliver("orders", AccessUnfrozen(**about, grounds=left), source="clients")  # type: ignore[arg-type]
            assert (await get_stages(house, "o-1"))["placement"] == ("anna", status)


async def test_a_work_pass_releases_the_stages_of_its_client_for_its_time_only() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        await place_order(house, "o-2", client_id="c-2")
        await resign(house, "anna")
        now = house.clock()
        window = {"from_time": now + timedelta(hours=1), "until_time": now + timedelta(hours=3)}
        granted = PassGranted(pass_id="p-1", employee_id="anna", client_id="c-1", purpose="work", **window)
        await house.deliver("orders", granted, source="clients")
        anna = ("employee", "anna")
        seen: list[tuple[str, list[str], int]] = []
        for _ in range(3):
            await house.settle()
            page = await house.ok(anna, "GET", "/orders/v1/orders")
            started = await work_on_stage(house, anna, "o-1", "placement", "start")
            status = (await get_stages(house, "o-1"))["placement"][1]
            seen.append((status, [item["id"] for item in page["items"]], started.status_code))
            house.clock.move(hours=1, minutes=30)
        assert seen == [("held", [], 404), ("started", ["o-1"], 200), ("held", [], 404)]
        assert (await get_stages(house, "o-2"))["placement"] == ("anna", "held")


async def test_a_withdrawn_pass_holds_again_and_an_introduction_releases_nothing() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        await resign(house, "anna")
        now = house.clock()
        about = {
            "employee_id": "anna",
            "client_id": "c-1",
            "from_time": now - timedelta(hours=1),
            "until_time": now + timedelta(days=1),
        }
        for event, status in (
            (PassGranted(pass_id="p-1", purpose="introduction", **about), "held"),
            (PassGranted(pass_id="p-2", purpose="work", **about), "ready"),
            (PassWithdrawn(pass_id="p-2", purpose="work", **about), "held"),
            (PassGranted(pass_id="p-2", purpose="work", **about), "held"),
        ):
            await house.deliver("orders", event, source="clients")
            assert (await get_stages(house, "o-1"))["placement"] == ("anna", status)


async def test_an_approved_plan_moves_stages_and_says_for_each_what_became_of_it() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        await place_order(house, "o-2", delivery="boris")
        await place_order(house, "o-3", sales="boris")
        for n in range(3):
            await place_order(house, f"full-{n}", sales="dmitri" if n < 2 else "boris")
        await resign(house, "carla")
        await resign(house, "anna")
        outcomes = await transfer(
            house,
            ("o-1", "placement", "anna", "boris"),
            ("o-2", "placement", "anna", "boris"),
            ("o-3", "placement", "anna", "boris"),
            ("o-9", "placement", "anna", "boris"),
            ("o-1", "nonsense", "anna", "boris"),
            ("o-2", "placement", "anna", "dmitri"),
            ("o-2", "placement", "anna", "carla"),
            ("o-2", "placement", "anna", "hanna"),
            ("o-2", "placement", "anna", "nobody"),
            ("o-1", "fulfilment", "anna", "boris"),
        )
        assert outcomes == {
            "o-1/placement": "done",
            "o-2/placement": "unknown_employee",
            "o-3/placement": "done",
            "o-9/placement": "unknown_stage",
            "o-1/nonsense": "unknown_stage",
            "o-1/fulfilment": "not_assignee",
        }
        answered = (await house.sent("orders", "command.answered"))[0].data.results
        assert [result.outcome for result in answered if result.id == "o-2/placement"] == [
            "separation",
            "no_capacity",
            "frozen",
            "wrong_function",
            "unknown_employee",
        ]
        assert (await get_stages(house, "o-1"))["placement"] == ("boris", "ready")
        moved = (await house.sent("orders", "stages.transferred"))[0].data
        assert isinstance(moved, StagesTransferred)
        assert (moved.employee_id, moved.to, moved.case_id) == ("anna", {"boris": 1}, "case-1")
        [item] = moved.items
        assert (item.order_id, item.stage, item.client_id, item.employee_id, item.status) == (
            "o-1",
            "placement",
            "c-1",
            "boris",
            "ready",
        )
        version = await house.scalar("orders", "SELECT version FROM orders WHERE order_id = 'o-1'")
        assert item.sequence == version
        again = await transfer(house, ("o-1", "placement", "anna", "boris"), id="2")
        assert again == {"o-1/placement": "done"}
        assert len(await house.sent("orders", "stages.transferred")) == 1


async def test_moves_of_one_command_count_for_each_other() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        await place_order(house, "o-2")
        await place_order(house, "o-3")
        await resign(house, "anna")
        moves = [(f"o-{n}", "placement", "anna", "dmitri") for n in (1, 2, 3)]
        outcomes = await transfer(house, *moves)
        assert list(outcomes.values()) == ["done", "done", "no_capacity"]
        assert (await get_stages(house, "o-3"))["placement"] == ("anna", "held")


async def test_a_withdrawal_gives_stages_back_held_and_unfreezes_last() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        await resign(house, "anna")
        await freeze_by_case(house)
        await transfer(house, ("o-1", "placement", "anna", "boris"))
        await work_on_stage(house, "service", "o-1", "placement", "start")
        assert await transfer(house, ("o-1", "placement", "boris", "anna"), id="2") == {"o-1/placement": "done"}
        assert (await get_stages(house, "o-1"))["placement"] == ("anna", "held")
        await unfreeze_by_case(house)
        assert (await get_stages(house, "o-1"))["placement"] == ("anna", "started")


async def test_a_command_of_an_older_epoch_does_nothing() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        await resign(house, "anna")
        await freeze_by_case(house, epoch=2)
        assert await transfer(house, ("o-1", "placement", "anna", "boris")) == {"": "stale"}
        assert (await get_stages(house, "o-1"))["placement"] == ("anna", "held")


async def test_a_rehire_restores_nothing_and_what_was_left_goes_to_who_stood_in_or_waits() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        await place_order(house, "o-2", delivery="boris")
        await resign(house, "anna")
        await leave(house, "anna")
        await rehire(house, "anna")
        assert (
            await assign_stage(house, "director", "o-1", "placement", "anna")
        ).status_code == 200  # it was theirs: no change
        assert (await get_stages(house, "o-1"))["placement"] == ("anna", "held")
        assert (await house.ok(("employee", "anna"), "GET", "/orders/v1/orders"))["items"] == []
        await house.settle()
        assert (await get_stages(house, "o-1"))["placement"] == ("boris", "ready")
        assert (await get_stages(house, "o-2"))["placement"] == (None, "ready")
        [moved] = await house.sent("orders", "stages.transferred")
        assert moved.data.to == {"boris": 1}
        [unassigned] = [e for e in await house.sent("orders", "stage.assigned") if e.data.employee_id is None]
        assert (unassigned.data.order_id, unassigned.data.employee_id) == ("o-2", None)
        assert (await assign_stage(house, "director", "o-2", "placement", "anna")).status_code == 200
        person = await house.rows(
            "orders", "SELECT settling, frozen, stand_in_id FROM people WHERE employee_id = 'anna'"
        )
        assert person == [{"settling": False, "frozen": False, "stand_in_id": None}]


@pytest.mark.parametrize("round", range(4))
async def test_of_two_assignments_that_want_the_last_room_only_one_gets_it(round: int) -> None:
    async with open_company() as house:
        await house.ok(
            "director",
            "POST",
            "/orders/v1/flows",
            json={**FLOW, "id": "big", "stages": [{**FLOW["stages"][1], "effort": 6}], "separate": []},
        )
        bodies = [make_order_body(house, f"o-{n}", flow_id="big", assignees={"fulfilment": "carla"}) for n in range(3)]
        answers = await asyncio.gather(
            *(house.call("service", "POST", "/orders/v1/orders", json=body) for body in bodies)
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
        assert await house.scalar("orders", "SELECT sum(effort) FROM stages WHERE open AND employee_id = 'carla'") == 6


@pytest.mark.parametrize("round", range(4))
async def test_a_stage_assigned_in_the_instant_of_the_freeze_is_held_or_refused(round: int) -> None:
    async with open_company() as house:
        await place_order(house, "o-1", sales="boris")
        body = make_order_body(house, "o-2", assignees={"placement": "anna"})
        answers = await asyncio.gather(
            assign_stage(house, "director", "o-1", "placement", "anna"),
            resign(house, "anna"),
            house.call("service", "POST", "/orders/v1/orders", json=body),
        )
        assert answers[0].status_code in (200, 409)
        assert answers[2].status_code in (201, 409)
        loose = await house.rows(
            "orders", "SELECT order_id FROM stages WHERE employee_id = 'anna' AND open AND status <> 'held'"
        )
        assert loose == []
