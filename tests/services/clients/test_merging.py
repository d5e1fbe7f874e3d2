"""Two clients that are one: all that hangs on the one goes to the other, and its id stands for the other."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.clients import ClientMove, TransferClients
from shared.contracts.orders import OrderPlaced, OrderState
from tests.services.clients.test_passes import grant
from tests.services.clients.town import BASE, Town, town
from tests.services.offboarding.company import company

ERIKA = {"name": "Erika", "email": "erika@example.org", "phone": None}
MAX = {"name": "Max", "email": None, "phone": "1"}


async def merge(here: Town, client: str = "c-1", into: str = "c-2", who: Any = "service") -> Any:
    return await here.house.call(who, "POST", f"{BASE}/clients/{client}/merge", json={"into_id": into})


async def two(here: Town, owner: str = "anna", other: str = "anna") -> None:
    one = {"contacts": [{"id": "k-1", **ERIKA}, {"id": "k-2", **MAX}], "external_ids": {"crm": "1", "erp": "1"}}
    await here.client("c-1", owner, team={"delivery": "ben", "legal": "ben"}, **one)
    two = {"contacts": [{"id": "k-2", **ERIKA}], "external_ids": {"crm": "2"}}
    await here.client("c-2", other, team={"delivery": "anna"}, **two)


async def test_contacts_ids_team_and_what_was_noted_go_to_the_other() -> None:
    async with town("anna", "ben") as here:
        await two(here)
        now = here.house.clock().isoformat()
        meeting = {"employee_id": "ben", "kind": "meeting", "at": now}
        await here.house.ok("service", "POST", f"{BASE}/clients/c-1/interactions", json=meeting)
        await here.house.ok("service", "POST", f"{BASE}/clients/c-1/feedback", json={"score": 3})
        merged = (await merge(here)).json()
        assert merged["id"] == "c-2"
        assert merged["external_ids"] == {"crm": "2", "erp": "1"}
        assert merged["team"] == {"delivery": "anna", "legal": "ben"}
        assert [{**one, "id": ""} for one in merged["contacts"]] == [{"id": "", **ERIKA}, {"id": "", **MAX}]
        assert merged["contacts"][0]["id"] == "k-2"
        assert len({one["id"] for one in merged["contacts"]}) == 2
        for table in ("interactions", "feedback"):
            assert await here.house.rows("clients", f"SELECT client_id FROM {table}") == [{"client_id": "c-2"}]
        assert await here.house.scalar("clients", "SELECT clients FROM portfolios WHERE owner_id = 'anna'") == 1
        assert (await merge(here)).json() == merged  # twice the same
        (event,) = await here.house.sent("clients", "client.merged")
        assert (event.data.client_id, event.data.into_id, event.data.owner_id) == ("c-1", "c-2", "anna")


@pytest.mark.parametrize("ref", ["c-1", "crm~1", "merged~c-1", "erp~1", "crm~2"])
async def test_every_id_of_both_stands_for_the_one_that_is_left(ref: str) -> None:
    async with town("anna", "ben") as here:
        await two(here)
        await merge(here)
        assert (await here.house.ok(("employee", "anna"), "GET", f"{BASE}/clients/{ref}"))["id"] == "c-2"
        assert await here.check("anna", ref) == "owner"
        asked = {"checks": [{"employee_id": "ben", "client_id": ref, "action": "read"}]}
        results = (await here.house.ok("service", "POST", f"{BASE}/access/checks", json=asked))["results"]
        assert results[0]["reason"] == "team"
        assert await here.transfer((ref, "anna", "ben")) == ["done"]
        assert await here.owner(ref) == "ben"


async def test_a_decision_on_a_merged_client_stands_once_in_the_journal() -> None:
    async with town("anna", "ben") as here:
        await two(here)
        await merge(here)
        decided = "SELECT count(*) FROM journal_entries WHERE kind = 'access.checked'"
        for action in ("read", "export"):
            assert await here.check("anna", "c-1", action) == "owner"
        assert await here.house.scalar("clients", decided) == 2
        asked = {"checks": [{"employee_id": "ben", "client_id": one, "action": "read"} for one in ("c-1", "none")]}
        results = (await here.house.ok("service", "POST", f"{BASE}/access/checks", json=asked))["results"]
        assert [one["reason"] for one in results] == ["team", "unknown_client"]
        assert await here.house.scalar("clients", decided) == 3
        assert await here.check("ben", "none") == "unknown_client"
        assert await here.house.scalar("clients", decided) == 4
        theirs = {"employee_id": "ben", "client_id": "c-1", "action": "read"}
        assert (
            await here.house.call(("employee", "anna"), "POST", f"{BASE}/access/check", json=theirs)
        ).status_code == 403
        assert await here.house.scalar("clients", decided) == 4


async def test_of_three_that_are_one_all_ids_lead_to_the_last() -> None:
    async with town("anna", "ben") as here:
        await two(here)
        await here.client("c-3", "anna")
        assert (await merge(here)).status_code == 200
        assert (await merge(here, "c-2", "c-3")).status_code == 200
        for ref in ("c-1", "c-2", "crm~1", "crm~2"):
            assert await here.check("anna", ref) == "owner"
            assert (await here.house.ok("service", "GET", f"{BASE}/clients/{ref}"))["id"] == "c-3"


async def test_the_id_of_a_merged_client_is_given_to_nobody_anew() -> None:
    async with town("anna", "ben") as here:
        await two(here)
        await merge(here)
        body = {"name": "A", "owner_id": "anna"}
        for method, path, sent in (("POST", "clients", {"id": "c-1", **body}), ("PUT", "clients/c-1", body)):
            answer = await here.house.call("service", method, f"{BASE}/{path}", json=sent)
            assert (answer.status_code, answer.json()["reason"]) == (409, "merged")
        batch = {"items": [{"id": "c-1", **body}]}
        answer = await here.house.ok("service", "POST", f"{BASE}/clients/batch", json=batch)
        assert answer["items"][0]["reason"] == "merged"
        line = b'{"id": "c-1", "name": "A", "owner_id": "anna"}'
        imported = await here.house.call("service", "POST", f"{BASE}/imports?kind=clients", content=line)
        assert '"reason":"merged"' in imported.text


async def test_history_and_journal_keep_both() -> None:
    async with town("anna", "ben") as here:
        await two(here)
        await here.transfer(("c-1", "anna", "ben"))
        await merge(here)
        kinds = {}
        for client in ("c-1", "c-2"):
            items = (await here.house.ok("service", "GET", f"{BASE}/clients/{client}/history"))["items"]
            kinds[client] = [item["kind"] for item in items]
        assert kinds == {"c-1": ["registered", "manual", "merged"], "c-2": ["registered"]}
        for client in ("c-1", "c-2"):
            entries = (await here.house.ok("auditor", "GET", f"{BASE}/journal?client_id={client}"))["items"]
            assert {"client.merged", "client.registered"} <= {entry["kind"] for entry in entries}


async def test_who_may_merge_and_what_stands_against_it() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.department("north", head="nora")
        await here.hire("nora", "dora", department_id="north")
        await two(here, "dora", "ben")
        head = ("sales_head", "nora")
        assert (await merge(here, who=("employee", "dora"))).status_code == 403
        assert (await merge(here, who=head)).status_code == 404  # knows nothing of c-2
        await here.client("c-3", "dora")
        assert (await merge(here, "c-3", "c-1", who=head)).status_code == 200
        assert (await merge(here, "c-1", "crm~1")).json()["reason"] == "into_itself"
        assert (await merge(here, "c-1", "none")).status_code == 404
        assert (await merge(here, "none", "c-1")).status_code == 404
        await here.resign("ben", "carl")
        for one, other in (("c-1", "c-2"), ("c-2", "c-1")):
            answer = await merge(here, one, other)
            assert (answer.status_code, answer.json()["reason"]) == (409, "in_handover")


async def test_orders_that_are_told_late_are_those_of_the_one_that_is_left() -> None:
    async with town("anna", "ben") as here:
        await two(here)

        def placed(order: str, sequence: int) -> OrderPlaced:
            about = {"flow_id": "f", "value": "10.00", "origin": "own", "status": "open", "sequence": sequence}
            placed_on = here.today - timedelta(days=3)
            state = OrderState.model_validate({"order_id": order, "client_id": "c-1", "placed_on": placed_on, **about})
            return OrderPlaced(batch_id=f"b-{sequence}", items=[state])

        await here.deliver(placed("o-1", 1), source="orders")
        await merge(here)
        await here.deliver(placed("o-2", 2), source="orders")
        assert (await here.house.ok("service", "GET", f"{BASE}/clients/c-2"))["value"] == "20.00"


async def test_a_transfer_of_a_case_does_not_take_the_other_for_the_merged_one() -> None:
    async with town("anna", "ben") as here:
        await two(here)
        await merge(here)
        command = TransferClients(
            command_id="x",
            case_id="x",
            epoch=1,
            employee_id="anna",
            items=[ClientMove(client_id="c-1", from_id="anna", to_id="ben")],
        )
        await here.house.deliver("clients", command)
        (answer,) = await here.house.sent("clients", "command.answered")
        assert [result.outcome for result in answer.data.results] == ["unknown_client"]
        assert await here.owner("c-2") == "anna"


async def test_crosswise_merges_at_the_same_time_leave_one_client() -> None:
    async with town("anna", "ben") as here:
        for round in range(5):
            one, other = f"a-{round}", f"b-{round}"
            await here.client(one, "anna")
            await here.client(other, "anna")
            answers = await asyncio.gather(merge(here, one, other), merge(here, other, one))
            assert sorted(answer.status_code for answer in answers) == [200, 409]
            left = await here.house.rows(
                "clients", "SELECT client_id FROM clients WHERE client_id IN (:a, :b)", a=one, b=other
            )
            assert len(left) == 1


async def test_a_freeze_at_the_same_time_comes_before_or_after_a_merge() -> None:
    async with town("anna", "ben", "carl") as here:
        await two(here, "anna", "ben")
        answer, _ = await asyncio.gather(merge(here), here.resign("anna", "carl"))
        assert answer.status_code in (200, 409)
        left = {row["client_id"] for row in await here.house.rows("clients", "SELECT client_id FROM clients")}
        assert left == ({"c-2"} if answer.status_code == 200 else {"c-1", "c-2"})


async def test_in_all_services_what_was_the_clients_is_the_others() -> None:
    async with company(clients=3, orders=2) as house:
        merged = await house.ok("service", "POST", f"{BASE}/clients/c-1/merge", json={"into_id": "c-3"})
        assert merged["id"] == "c-3"
        await house.settle()
        orders = (await house.ok("service", "GET", "/orders/v1/orders"))["items"]
        assert {order["id"]: order["client_id"] for order in orders} == {"o-1": "c-3", "o-2": "c-2"}
        assert (
            await house.ok(
                "service",
                "POST",
                f"{BASE}/access/check",
                json={"employee_id": "dana", "client_id": "c-3", "action": "read"},
            )
        )["reason"] == "team"
        last_day = (house.clock.day() + timedelta(days=14)).isoformat()
        await house.ok("hr", "POST", "/staff/v1/employees/nora/resignation", json={"last_day": last_day})
        await house.settle()
        (case,) = (await house.ok("hr", "GET", "/offboarding/v1/cases"))["items"]
        plan = await house.ok(("sales_head", "hanna"), "GET", f"/offboarding/v1/cases/{case['id']}/plan")
        assert {item["client_id"] for item in plan["items"]} == {"c-2", "c-3"}


@pytest.mark.parametrize(
    ("ref", "into"), [("crm~1", "crm~2"), ("c-1", "crm~2"), ("crm~1", "c-2"), ("merged~c-1", "c-2")]
)
async def test_a_merge_said_again_by_any_names_gives_the_same_answer(ref: str, into: str) -> None:
    async with town("anna") as here:
        for number in (1, 2):
            await here.client(f"c-{number}", "anna", external_ids={"crm": str(number)})
        again = f"{BASE}/clients/{ref}/merge"
        first = "c-1" if ref.startswith("merged") else ref
        done = await here.house.ok("service", "POST", f"{BASE}/clients/{first}/merge", json={"into_id": into})
        assert await here.house.ok("service", "POST", again, json={"into_id": into}) == done
        itself = await here.house.call("service", "POST", f"{BASE}/clients/c-2/merge", json={"into_id": "crm~2"})
        assert (itself.status_code, itself.json()["reason"]) == (409, "into_itself")


async def test_a_leaver_gets_passes_for_what_was_theirs_before_it_was_merged() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "carl")
        await here.resign("anna", "ben")
        move = ClientMove(client_id="c-1", from_id="anna", to_id="ben")
        command = TransferClients(command_id="k/1", case_id="k", epoch=1, employee_id="anna", items=[move])
        await here.deliver(command, source="offboarding")
        await here.house.ok("director", "POST", f"{BASE}/clients/c-1/merge", json={"into_id": "c-2"})
        for client in ("c-1", "c-2"):
            assert (await grant(here, client_id=client)).status_code == 201


async def test_an_id_that_could_not_be_given_takes_no_other_with_it() -> None:
    async with town("anna") as here:
        for number in (1, 2):
            await here.client(f"c-{number}", "anna", external_ids={"crm": str(number)})
        await here.client("c-3", "anna", external_ids={"erp": "9"})
        await here.house.ok("service", "POST", f"{BASE}/clients/c-1/merge", json={"into_id": "c-2"})
        body = {"name": "C", "external_ids": {"crm": "1", "erp": "9"}}
        answer = await here.house.call("service", "PUT", f"{BASE}/clients/c-2", json=body)
        assert (answer.status_code, answer.json()["reason"]) == (409, "external_id_taken")
        assert (await here.house.ok("service", "GET", f"{BASE}/clients/crm~1"))["id"] == "c-2"
