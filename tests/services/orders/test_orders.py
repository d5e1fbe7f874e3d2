"""Orders through their door: placed, worked off, cancelled, seen."""

from datetime import timedelta
from typing import Any

from shared.contracts.clients import ClientTransferred, Ownership
from shared.contracts.orders import OrderDelivered, StageAssigned, StageCompleted
from shared.contracts.staff import EmployeeChanged
from tests.services.orders.company import (
    FLOW,
    assign_stage,
    get_stages,
    hire,
    make_employee_fields,
    make_order_body,
    open_company,
    place_order,
    work_on_stage,
)


async def test_an_order_is_placed_with_stages_that_have_assignees_and_dates() -> None:
    async with open_company() as house:
        answer = await house.call(
            "service",
            "POST",
            "/orders/v1/orders",
            json=make_order_body(house, "o-1", assignees={"placement": "anna"}, placed_on="2026-11-20"),
        )
        shown = answer.json()
        assert answer.status_code == 201
        assert answer.headers["location"] == "/orders/v1/orders/o-1"
        assert [(s["name"], s["assignee_id"], s["status"]) for s in shown["stages"]] == [
            ("placement", "anna", "ready"),
            ("fulfilment", "boris", "waiting"),
        ]
        assert [(s["starts_on"], s["due_on"]) for s in shown["stages"]] == [
            ("2026-11-20", "2026-11-23"),
            ("2026-11-23", "2026-12-07"),
        ]
        assert (shown["planned_on"], shown["status"], shown["value"]) == ("2026-12-07", "open", "100.00")


async def test_the_same_order_again_is_the_same_order_and_another_one_is_refused() -> None:
    async with open_company() as house:
        first = await place_order(house, "o-1")
        assert await place_order(house, "o-1") == first
        answer = await house.call(
            "service", "POST", "/orders/v1/orders", json=make_order_body(house, "o-1", value="1.00")
        )
        assert (answer.status_code, answer.json()["reason"]) == (409, "exists")
        assert len(await house.sent("orders", "order.placed")) == 1


async def test_an_order_without_an_id_gets_one() -> None:
    async with open_company() as house:
        body = make_order_body(house, "x")
        del body["id"]
        one = await house.ok("service", "POST", "/orders/v1/orders", json=body)
        other = await house.ok("service", "POST", "/orders/v1/orders", json=body)
        assert one["id"] != other["id"]


async def test_history_is_taken_as_it_was_whoever_did_it_and_however_much_it_was() -> None:
    async with open_company() as house:
        yesterday = (house.clock.day() - timedelta(days=1)).isoformat()
        for n in range(20):
            shown = await place_order(
                house, f"o-{n}", sales="long-gone", delivery="carla", placed_on=yesterday, delivered_on=yesterday
            )
            assert shown["status"] == "delivered"
        assert {s["status"] for s in shown["stages"]} == {"completed"}
        assert [s["assignee_id"] for s in shown["stages"]] == ["long-gone", "carla"]
        assert len(await house.sent("orders", "order.delivered")) == 20
        assert await house.sent("orders", "stage.assigned") == []
        workload = await house.ok("director", "GET", "/orders/v1/workload")
        assert {item["load"] for item in workload["items"]} == {0}


async def test_an_order_is_worked_off_by_those_who_do_its_stages_and_delivered_with_the_last() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        anna, carla = ("employee", "anna"), ("employee", "carla")
        assert (await work_on_stage(house, carla, "o-1", "fulfilment", "start")).json()["reason"] == "stage_waits"
        assert (await work_on_stage(house, anna, "o-1", "placement", "complete")).json()["reason"] == "not_started"
        assert (await work_on_stage(house, anna, "o-1", "fulfilment", "start")).status_code == 403
        for who, stage in ((anna, "placement"), (carla, "fulfilment")):
            for verb in ("start", "start", "complete", "complete"):
                answer = await work_on_stage(house, who, "o-1", stage, verb)
                assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "delivered"
        assert answer.json()["delivered_on"] == house.clock.day().isoformat()
        types = [e.data.type for e in await house.sent("orders") if e.subject == "order/o-1"]
        assert types == [
            "order.placed",
            "stage.assigned",
            "stage.assigned",
            "stage.started",
            "stage.completed",
            "stage.started",
            "stage.completed",
            "order.delivered",
        ]
        delivered = (await house.sent("orders", "order.delivered"))[0].data
        assert isinstance(delivered, OrderDelivered)
        assert (delivered.client_id, delivered.value) == ("c-1", "100.00")
        assert (await assign_stage(house, "director", "o-1", "placement", "boris")).json()["reason"] == "order_closed"


async def test_every_event_of_an_order_carries_its_whole_state_with_a_rising_sequence() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        await assign_stage(house, "director", "o-1", "fulfilment", "boris")
        await work_on_stage(house, "service", "o-1", "placement", "start")
        await work_on_stage(house, "service", "o-1", "placement", "complete")
        states = [e.data.order for e in await house.sent("orders") if e.subject == "order/o-1"]
        assert [state.sequence for state in states] == [1, 1, 1, 2, 3, 4]  # what it was placed with is one state
        assigned = (await house.sent("orders", "stage.assigned"))[-1].data
        completed = (await house.sent("orders", "stage.completed"))[0].data
        assert isinstance(assigned, StageAssigned)
        assert isinstance(completed, StageCompleted)
        assert (assigned.stage, assigned.client_id, assigned.employee_id) == ("fulfilment", "c-1", "boris")
        assert [stage.status for stage in completed.order.stages] == ["completed", "ready"]


async def test_a_breach_of_separation_is_refused_and_says_who_could() -> None:
    async with open_company() as house:
        body = make_order_body(house, "o-1", assignees={"placement": "boris", "fulfilment": "boris"})
        answer = await house.call("service", "POST", "/orders/v1/orders", json=body)
        assert (answer.status_code, answer.json()["reason"]) == (409, "separation_breached")
        assert answer.json()["could"] == ["carla", "dmitri"]
        await place_order(house, "o-1", sales="boris")
        answer = await assign_stage(house, "director", "o-1", "fulfilment", "boris")
        assert (answer.status_code, answer.json()["reason"]) == (409, "separation_breached")
        assert answer.json()["could"] == ["dmitri", "carla"]


async def test_a_breach_of_capacity_is_refused_and_says_who_could() -> None:
    async with open_company() as house:
        for n in range(5):
            await place_order(house, f"o-{n}")
        answer = await house.call(
            "service",
            "POST",
            "/orders/v1/orders",
            json=make_order_body(house, "o-5", assignees={"fulfilment": "carla"}),
        )
        assert (answer.status_code, answer.json()["reason"]) == (409, "capacity_breached")
        assert answer.json()["could"] == ["boris", "dmitri"]
        await place_order(house, "o-5", delivery="dmitri")
        assert (await assign_stage(house, "director", "o-5", "fulfilment", "carla")).json()[
            "reason"
        ] == "capacity_breached"


async def test_a_person_without_the_function_is_refused() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        answer = await assign_stage(house, "director", "o-1", "fulfilment", "anna")
        assert (answer.status_code, answer.json()["reason"]) == (409, "wrong_function")


async def test_what_nobody_has_room_for_waits_in_the_queue_until_a_head_gives_it_to_somebody() -> None:
    async with open_company() as house:
        await house.ok(
            "director",
            "POST",
            "/orders/v1/flows",
            json={
                "id": "odd",
                "name": "Odd",
                "stages": [{"name": "s", "function": "astrology", "effort": 3, "days": 1}],
            },
        )
        await house.ok("service", "POST", "/orders/v1/orders", json=make_order_body(house, "o-1", flow_id="odd"))
        assert await get_stages(house, "o-1") == {"s": (None, "ready")}
        workload = await house.ok("director", "GET", "/orders/v1/workload")
        assert workload["items"][0] == {
            "employee_id": None,
            "function": "astrology",
            "load": 3.0,
            "capacity": 0.0,
            "queue": 1,
            "over": False,
        }
        assert (await work_on_stage(house, "service", "o-1", "s", "start")).json()["reason"] == "nobody_assigned"
        await hire(house, "erik", functions={"astrology": 3})
        assert (await assign_stage(house, ("sales_head", "hanna"), "o-1", "s", "erik")).status_code == 200
        assert await get_stages(house, "o-1") == {"s": ("erik", "ready")}


async def test_a_stage_that_names_nobody_goes_to_whoever_has_most_room_and_is_not_absent() -> None:
    async with open_company() as house:
        today = house.clock.day().isoformat()
        await house.deliver("orders", _changed("boris", [{"absence_id": "a", "from_day": today}]), sequence=2)
        for n, best in enumerate(["carla", "dmitri", "carla", "dmitri"]):
            body = make_order_body(house, f"o-{n}", assignees={"placement": "anna"})
            await house.ok("service", "POST", "/orders/v1/orders", json=body)
            assert (await get_stages(house, f"o-{n}"))["fulfilment"][0] == best


def _changed(name: str, absences: list[dict[str, Any]]) -> Any:
    return EmployeeChanged(**make_employee_fields(name, absences=absences))


async def test_a_cancelled_order_weighs_on_nobody() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        for _ in range(2):
            answer = await house.call(
                "director", "POST", "/orders/v1/orders/o-1/cancel", json={"reason": "Ada Lovelace changed her mind"}
            )
            assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        assert len(await house.sent("orders", "order.cancelled")) == 1
        assert not await house.rows("orders", "SELECT 1 FROM outbox WHERE body LIKE '%Ada%'")
        assert await house.scalar("orders", "SELECT count(*) FROM stages WHERE open") == 0
        assert (await work_on_stage(house, ("employee", "anna"), "o-1", "placement", "start")).status_code == 404
        assert (await work_on_stage(house, "service", "o-1", "placement", "start")).json()["reason"] == "order_closed"


async def test_a_flow_changes_by_a_new_version_and_orders_keep_theirs() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        again = await house.call("director", "POST", "/orders/v1/flows", json=FLOW)
        assert (again.status_code, again.json()["version"]) == (201, 1)
        other = {**FLOW, "name": "Other"}
        assert (await house.call("director", "POST", "/orders/v1/flows", json=other)).status_code == 409
        change = {"name": "Short", "stages": FLOW["stages"][:1]}  # type: ignore[index]
        for _ in range(2):
            shown = await house.ok("director", "POST", "/orders/v1/flows/standard/versions", json=change)
            assert (shown["version"], len(shown["stages"])) == (2, 1)
        assert len((await house.ok("director", "GET", "/orders/v1/flows/standard/versions/1"))["stages"]) == 2
        assert (await house.ok("director", "GET", "/orders/v1/flows/standard"))["version"] == 2
        flows = await house.ok(("employee", "anna"), "GET", "/orders/v1/flows")
        assert [(flow["id"], flow["version"]) for flow in flows["items"]] == [("standard", 2)]
        await house.ok("service", "POST", "/orders/v1/orders", json=make_order_body(house, "o-2"))
        assert len(await get_stages(house, "o-1")) == 2
        assert len(await get_stages(house, "o-2")) == 1


async def test_everybody_sees_what_concerns_them() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        await place_order(house, "o-2", sales="boris", delivery="dmitri")
        sees = {
            ("employee", "anna"): ["o-1"],
            ("employee", "dmitri"): ["o-2"],
            ("sales_head", "hanna"): ["o-1", "o-2"],
            ("sales_head", "anna"): ["o-1"],
            ("director", "zoe"): ["o-1", "o-2"],
            ("service", "crm"): ["o-1", "o-2"],
            ("employee", "stranger"): [],
        }
        for who, ids in sees.items():
            page = await house.ok(who, "GET", "/orders/v1/orders")
            assert [item["id"] for item in page["items"]] == ids, who
            for id in ("o-1", "o-2"):
                answer = await house.call(who, "GET", f"/orders/v1/orders/{id}")
                assert answer.status_code == (200 if id in ids else 404), who
        for role in ("hr", "ops", "auditor"):
            assert (await house.call(role, "GET", "/orders/v1/orders")).status_code == 403
        assert (await house.call(None, "GET", "/orders/v1/orders")).status_code == 401


async def test_a_head_assigns_only_where_the_present_or_the_new_one_is_theirs() -> None:
    async with open_company() as house:
        await place_order(house, "o-1", delivery="dmitri")
        olga = ("sales_head", "olga")
        assert (await assign_stage(house, olga, "o-1", "placement", "boris")).status_code == 403
        assert (await assign_stage(house, olga, "o-1", "fulfilment", "boris")).status_code == 200
        assert (await assign_stage(house, ("employee", "anna"), "o-1", "fulfilment", "carla")).status_code == 403


async def test_a_head_places_orders_only_for_clients_of_the_departments_that_they_head() -> None:
    async with open_company() as house:
        hanna, olga = ("sales_head", "hanna"), ("sales_head", "olga")
        assert (
            await house.call(olga, "POST", "/orders/v1/orders", json=make_order_body(house, "o-1"))
        ).status_code == 403
        assert (
            await house.call(hanna, "POST", "/orders/v1/orders", json=make_order_body(house, "o-1"))
        ).status_code == 201
        moved = Ownership(client_id="c-1", from_id="anna", to_id="dmitri", sequence=2)
        await house.deliver("orders", ClientTransferred(batch_id="b-2", items=[moved]), source="clients", sequence=2)
        assert (
            await house.call(hanna, "POST", "/orders/v1/orders", json=make_order_body(house, "o-2"))
        ).status_code == 403
        assert (
            await house.call(olga, "POST", "/orders/v1/orders", json=make_order_body(house, "o-2"))
        ).status_code == 201


async def test_an_assignment_with_an_old_tag_is_refused() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        tag = (await house.call("director", "GET", "/orders/v1/orders/o-1")).headers["etag"]
        first = await assign_stage(house, "director", "o-1", "fulfilment", "boris", headers={"If-Match": tag})
        second = await assign_stage(house, "director", "o-1", "fulfilment", "dmitri", headers={"If-Match": tag})
        assert (first.status_code, second.status_code) == (200, 412)
        assert first.headers["etag"] != tag


async def test_lists_filter_and_go_on_by_cursor() -> None:
    async with open_company() as house:
        long_ago = (house.clock.day() - timedelta(days=60)).isoformat()
        await place_order(house, "o-1", client_id="c-2")
        await place_order(house, "o-2", placed_on=long_ago)
        await place_order(
            house, "o-3", placed_on=long_ago, delivered_on=house.clock.day().isoformat(), delivery="dmitri"
        )
        await place_order(house, "o-4", placed_on=long_ago, delivered_on=long_ago, promised_on=long_ago)

        async def ids(query: str) -> list[str]:
            page = await house.ok("director", "GET", f"/orders/v1/orders?{query}")
            return [item["id"] for item in page["items"]]

        assert await ids("client_id=c-2") == ["o-1"]
        assert await ids("assignee_id=dmitri") == ["o-3"]
        assert await ids("status=open") == ["o-1", "o-2"]
        assert await ids("late=true") == ["o-2", "o-3"]
        assert await ids("late=false") == ["o-1", "o-4"]
        page = await house.ok("director", "GET", "/orders/v1/orders?limit=3")
        rest = await house.ok("director", "GET", f"/orders/v1/orders?limit=3&cursor={page['next_cursor']}")
        assert [item["id"] for item in rest["items"]] == ["o-4"]
        assert rest["next_cursor"] is None


async def test_every_change_of_responsibility_is_journaled() -> None:
    async with open_company() as house:
        await place_order(house, "o-1")
        await assign_stage(house, ("director", "zoe"), "o-1", "fulfilment", "boris")
        entries = [envelope.data for envelope in await house.sent("orders", "journal.entry")]
        assert [(entry.kind, entry.actor_id, entry.employee_id, entry.client_id) for entry in entries] == [
            ("stage.assigned", "service", "anna", "c-1"),
            ("stage.assigned", "service", "carla", "c-1"),
            ("stage.assigned", "zoe", "boris", "c-1"),
        ]
        assert entries[2].details == {"order_id": "o-1", "stage": "fulfilment", "from_id": "carla"}
