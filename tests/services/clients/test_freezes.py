"""Freezes: what `staff` announces, what a case commands, and the doors that they shut."""

from datetime import datetime, timedelta
from typing import Any

from shared.contracts.clients import FreezeAccess, UnfreezeAccess
from shared.contracts.staff import DepartureHeld, DepartureRejected
from tests.services.clients.town import BASE, Town, town


async def history(here: Town, client: str) -> list[tuple[str, str | None, str | None]]:
    shown = await here.house.ok("director", "GET", f"{BASE}/clients/{client}/history")
    return [(entry["kind"], entry["from_id"], entry["to_id"]) for entry in shown["items"]]


async def freeze_by_case(here: Town, employee: str, ref: str, *caretakers: str, case: str = "case-1") -> None:
    await here.deliver(
        FreezeAccess(
            command_id=f"{case}/freeze/{employee}",
            case_id=case,
            epoch=1,
            employee_id=employee,
            employment_id=f"{employee}/1",
            ref=ref,
            caretakers=list(caretakers),
        ),
        source="offboarding",
    )


async def unfreeze_by_case(here: Town, employee: str, ref: str, case: str = "case-1", employment: int = 1) -> None:
    await here.deliver(
        UnfreezeAccess(
            command_id=f"{case}/unfreeze/{employee}",
            case_id=case,
            epoch=2,
            employee_id=employee,
            employment_id=f"{employee}/{employment}",
            ref=ref,
        ),
        source="offboarding",
    )


async def test_a_resignation_puts_every_client_into_the_caretakers_hands_and_rewrites_none() -> None:
    async with town("anna", "ben") as here:
        for number in range(3):
            await here.client(f"c-{number}", "anna")
        before = await here.house.rows("clients", "SELECT * FROM clients ORDER BY client_id")
        await here.resign("anna", "ben")
        assert await here.house.rows("clients", "SELECT * FROM clients ORDER BY client_id") == before
        assert await here.check("anna", "c-0") == "frozen"
        assert await here.check("ben", "c-0", "edit") == "caretaker"
        shown = await here.house.ok(("employee", "ben"), "GET", f"{BASE}/clients/c-0")
        assert (shown["owner_id"], shown["record_owner_id"]) == ("ben", "anna")
        (event,) = await here.house.sent("clients", "access.frozen")
        assert (event.data.caretaker_id, event.data.clients, event.data.case_id) == ("ben", 3, None)
        assert await history(here, "c-0") == [("registered", None, "anna"), ("caretaker", "anna", "ben")]


async def test_absent_frozen_and_unknown_candidates_are_passed_over() -> None:
    async with town("anna", "away", "frozen", "left", "ben") as here:
        await here.away("away")
        await here.resign("frozen")
        await here.leave("left")
        await here.client("c-1", "anna")
        await here.resign("anna", "away", "nobody", "frozen", "left", "ben")
        assert await here.owner("c-1") == "ben"


async def test_with_nobody_to_stand_in_the_freeze_holds_and_the_clients_are_listed_as_unowned() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "anna")
        await here.resign("anna")
        assert await here.check("anna", "c-1") == "frozen"
        listed = await here.house.ok("director", "GET", f"{BASE}/clients?unowned=true")
        assert [client["id"] for client in listed["items"]] == ["c-1", "c-2"]
        await here.house.settle()
        runtime = here.house.runtime("clients")
        alarm = runtime.metrics.alarm.labels("clients", "unowned")
        assert alarm._value.get() == 2
        assert await here.transfer(("c-1", "anna", "ben")) == ["done"]
        listed = await here.house.ok("director", "GET", f"{BASE}/clients?unowned=true")
        assert [client["id"] for client in listed["items"]] == ["c-2"]
        assert await history(here, "c-1") == [
            ("registered", None, "anna"),
            ("unowned", "anna", None),
            ("manual", "anna", "ben"),
        ]


async def test_when_a_caretaker_leaves_too_the_next_one_has_both_portfolios() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-a", "anna")
        await here.client("c-b", "ben")
        await here.resign("anna", "ben")
        await here.resign("ben", "carl")
        assert [await here.owner(client) for client in ("c-a", "c-b")] == ["carl", "carl"]
        assert await history(here, "c-a") == [
            ("registered", None, "anna"),
            ("caretaker", "anna", "ben"),
            ("caretaker", "ben", "carl"),
        ]
        told = [event.data for event in await here.house.sent("clients", "access.frozen")]
        assert [(event.employee_id, event.caretaker_id) for event in told] == [
            ("anna", "ben"),
            ("ben", "carl"),
            ("anna", "carl"),
        ]


async def test_two_leavers_who_are_each_others_deputies_both_find_somebody_else() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-a", "anna")
        await here.client("c-b", "ben")
        await here.resign("anna", "ben", "carl")
        await here.resign("ben", "anna", "carl")
        assert [await here.owner(client) for client in ("c-a", "c-b")] == ["carl", "carl"]


async def test_the_command_of_the_case_binds_the_freeze_and_is_answered_once() -> None:
    async with town("anna", "ben") as here:
        ref = await here.resign("anna", "ben")
        for _ in range(2):
            await freeze_by_case(here, "anna", ref, "ben")
        frozen = await here.house.sent("clients", "access.frozen")
        assert [event.data.case_id for event in frozen] == [None, "case-1", "case-1"]
        assert [ground.ref for ground in frozen[-1].data.grounds] == [ref]
        answers = await here.house.sent("clients", "command.answered")
        assert {answer.data.outcome for answer in answers} == {"done"}


async def test_the_command_freezes_somebody_of_whom_nothing_was_heard_yet() -> None:
    async with town("ben") as here:
        await freeze_by_case(here, "anna", "7", "ben")
        assert await here.check("anna", "none") == "unknown_client"
        await here.client("c-1", "ben", team={})
        assert await here.check("anna", "c-1") == "frozen"
        await here.hire("anna")
        assert await here.check("anna", "c-1") == "frozen"


async def test_with_the_last_ground_the_stand_in_goes_and_the_passes_too() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        ref = await here.resign("anna", "ben")
        await freeze_by_case(here, "anna", ref, "ben")
        await grant(here, "anna", "c-1")
        await here.withdraw("anna")
        assert await here.check("anna", "c-1", "list") == "frozen"
        await unfreeze_by_case(here, "anna", ref)
        assert await here.check("anna", "c-1") == "owner"
        assert await here.check("ben", "c-1") == "no_relation"
        assert len(await here.house.sent("clients", "access.unfrozen")) == 1
        assert len(await here.house.sent("clients", "pass.withdrawn")) == 1
        assert (await history(here, "c-1"))[1:] == [("caretaker", "anna", "ben"), ("returned", "ben", "anna")]


async def grant(here: Town, employee: str, client: str) -> Any:
    now = here.house.clock()
    body = {
        "employee_id": employee,
        "client_id": client,
        "from": now.isoformat(),
        "until": (now + timedelta(hours=2)).isoformat(),
        "purpose": "introduction",
    }
    return await here.house.ok("hr", "POST", f"{BASE}/access/passes", json=body)


async def test_who_is_frozen_while_what_was_before_a_rehire_still_waits_is_frozen_since_now() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await here.leave("anna")
        here.house.clock.move(days=90)
        await here.rehire("anna")
        before = here.house.clock()
        body = {"employee_id": "anna", "reason": "seen copying"}
        frozen = await here.house.ok("hr", "POST", f"{BASE}/access/freezes", json=body)
        assert datetime.fromisoformat(frozen["frozen_at"]) >= before


async def test_the_same_news_again_freezes_nobody_a_second_time() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        ref = await here.resign("anna", "ben")
        await freeze_by_case(here, "anna", ref, "ben")
        await here.withdraw("anna")
        await unfreeze_by_case(here, "anna", ref)
        here.sequences["employee/anna"] = int(ref) - 1
        await here.resign("anna", "ben")
        assert await here.check("anna", "c-1") == "owner"


async def test_a_held_departure_freezes_where_it_says_so_until_it_is_rejected() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        held = {"status": "active", "hold_id": "h-1", **here.people["anna"]}
        await here.deliver(DepartureHeld(freeze=False, caretakers=["ben"], **held))
        assert await here.check("anna", "c-1") == "owner"
        await here.deliver(DepartureHeld(freeze=True, caretakers=["ben"], **held))
        assert await here.check("anna", "c-1") == "frozen"
        await here.deliver(DepartureRejected(**held))
        assert await here.check("anna", "c-1") == "owner"


async def test_a_rehire_restores_nothing_and_what_was_of_record_goes_to_the_stand_in_for_good() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "anna")
        await here.resign("anna", "ben")
        await here.leave("anna", "ben")
        await here.rehire("anna")
        assert await here.check("anna", "c-1") == "no_relation"
        refused = await here.house.call("service", "POST", f"{BASE}/clients", json={"name": "A", "owner_id": "anna"})
        assert refused.status_code == 409
        await here.house.settle()
        (event,) = await here.house.sent("clients", "client.transferred")
        assert event.data.kind == "permanent"
        assert {(item.client_id, item.from_id, item.to_id) for item in event.data.changes()} == {
            ("c-1", "anna", "ben"),
            ("c-2", "anna", "ben"),
        }
        assert await here.check("ben", "c-1") == "owner"
        assert await here.check("anna", "c-1") == "no_relation"
        await here.client("c-3", "anna")
        assert await here.check("anna", "c-3") == "owner"


async def test_a_rehired_person_serves_none_of_the_teams_of_before() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "carl", team={"engineering": "anna"})
        assert await here.check("anna", "c-1") == "team"
        await here.leave("anna", "ben")
        await here.rehire("anna")
        assert await here.check("anna", "c-1") == "no_relation"
        mine = await here.house.ok(("employee", "anna"), "GET", f"{BASE}/access/clients?employee_id=anna&action=read")
        assert mine["items"] == []
        await here.house.settle()
        assert await here.check("anna", "c-1") == "no_relation"
        assert await here.check("ben", "c-1") == "team"
        (changed,) = await here.house.sent("clients", "client.changed")
        assert changed.data.team == {"engineering": "ben"}


async def test_a_rehired_person_whose_clients_nobody_took_finds_them_with_the_last_resort() -> None:
    async with town("anna", last_resort="lea") as here:
        await here.client("c-1", "anna")
        await here.leave("anna")
        await here.rehire("anna")
        await here.house.settle()
        assert await here.check("anna", "c-1") == "no_relation"
        await here.hire("lea")
        await here.house.settle()
        assert await here.owner("c-1") == "lea"


async def test_who_leaves_after_a_withdrawal_stays_frozen_when_the_withdrawn_departure_is_undone() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        ref = await here.resign("anna", "ben")
        await freeze_by_case(here, "anna", ref, "ben")
        await here.withdraw("anna")
        await here.leave("anna", "ben")
        await unfreeze_by_case(here, "anna", ref)
        assert await here.owner("c-1") == "ben"
        assert await here.house.sent("clients", "access.unfrozen") == []


async def test_a_withdrawal_unfreezes_also_a_rehired_person_whose_former_clients_still_wait() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await here.leave("anna")
        await here.rehire("anna")
        ref = await here.resign("anna")
        await here.withdraw("anna")
        await unfreeze_by_case(here, "anna", ref, employment=2)
        (person,) = await here.house.rows("clients", "SELECT frozen, settling FROM people WHERE employee_id = 'anna'")
        assert person == {"frozen": False, "settling": True}
        assert await here.check("anna", "c-1") == "no_relation"


async def test_every_door_to_client_data_is_shut_to_a_frozen_caller_whatever_the_role() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "ben")
        await here.resign("anna", "ben")
        who = (["employee", "sales_head", "director", "service"], "anna")
        client = {"name": "A", "owner_id": "ben"}
        doors = [
            ("GET", "clients", None),
            ("GET", "clients/c-1", None),
            ("GET", "clients/c-1/history", None),
            ("GET", "clients/none", None),
            ("GET", "export", None),
            ("GET", "portfolio?employee_id=ben", None),
            ("GET", "access/employees?client_id=c-2", None),
            ("POST", "clients", client),
            ("PATCH", "clients/c-1", {"name": "B"}),
            ("PUT", "clients/c-1/team/sales", {"employee_id": "ben"}),
            ("DELETE", "clients/c-1/team/sales", None),
            ("POST", "clients/c-1/feedback", {"score": 1}),
            ("POST", "transfers", {"items": [], "reason": "x"}),
            ("POST", "access/freezes", {"employee_id": "ben", "reason": "x"}),
            ("POST", "access/check", {"employee_id": "ben", "client_id": "c-2", "action": "read"}),
            (
                "POST",
                "access/checks",
                {"checks": [{"employee_id": "ben", "client_id": "c-2", "action": "read"}]},
            ),
        ]
        for method, path, body in doors:
            answer = await here.house.call(who, method, f"{BASE}/{path}", json=body)
            assert answer.status_code == 403, (method, path, answer.status_code)
        listed = await here.house.ok(who, "GET", f"{BASE}/access/clients?employee_id=anna")
        assert listed["items"] == []


async def test_a_frozen_head_is_not_told_what_those_may_see_whom_they_headed() -> None:
    async with town("ben") as here:
        await here.department("north", head="nora")
        await here.hire("nora", "anna", department_id="north")
        await here.client("c-1", "anna")
        path, head = f"{BASE}/access/clients?employee_id=anna", (["employee", "sales_head"], "nora")
        assert [item["client_id"] for item in (await here.house.ok(head, "GET", path))["items"]] == ["c-1"]
        assert (await here.house.call(("employee", "nora"), "GET", path)).status_code == 404
        await here.resign("nora", "ben")
        assert (await here.house.call(head, "GET", path)).status_code == 404


async def test_an_answer_kept_before_the_freeze_is_not_given_out_after_it() -> None:
    async with town("anna", "ben") as here:
        body = {"id": "c-1", "name": "Client", "owner_id": "anna", "contacts": [{"name": "Carla"}]}

        async def create() -> Any:
            headers = {"Idempotency-Key": "once"}
            return await here.house.call(
                (["employee", "sales_head", "director"], "anna"), "POST", f"{BASE}/clients", json=body, headers=headers
            )

        assert [(await create()).status_code for _ in range(2)] == [201, 201]
        await here.resign("anna", "ben")
        answer = await create()
        assert answer.status_code == 403
        assert "Carla" not in answer.text
