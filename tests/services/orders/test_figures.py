"""What orders tell of people and clients, and what a handover reads."""

import json
from typing import Any

from tests.services.orders.company import act, company, hire, order, placed, resign
from tests.support.days import after
from tests.support.house import House


async def lines(house: House, path: str, who: Any = "service") -> list[dict[str, Any]]:
    answer = await house.call(who, "GET", path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_the_open_stages_of_a_leaver_say_all_that_a_plan_needs_and_are_journaled() -> None:
    async with company() as house:
        shown = await placed(house, "o-1")
        await placed(house, "o-2", sales="boris", delivery="carla")
        await resign(house, "anna")
        assert await lines(house, "/orders/v1/open-stages?employee_id=anna") == [
            {
                "order_id": "o-1",
                "client_id": "c-1",
                "stage": "placement",
                "function": "sales",
                "effort": 1.0,
                "status": "held",
                "due_on": shown["stages"][0]["due_on"],
                "taken": {"fulfilment": "carla"},
                "apart": ["fulfilment"],
            }
        ]
        entry = (await house.sent("orders", "journal.entry"))[-1].data
        assert (entry.kind, entry.actor_id, entry.employee_id) == ("stages.read", "service", "anna")
        assert (await house.call("director", "GET", "/orders/v1/open-stages?employee_id=anna")).status_code == 403


async def test_loads_are_summed_per_employee_and_function_over_open_stages() -> None:
    async with company() as house:
        await placed(house, "o-1")
        await placed(house, "o-2", delivery="boris")
        await act(house, "service", "o-2", "placement", "start")
        await act(house, "service", "o-2", "placement", "complete")
        assert await lines(house, "/orders/v1/loads") == [
            {"employee_id": "anna", "function": "sales", "load": 1.0},
            {"employee_id": "boris", "function": "delivery", "load": 2.0},
            {"employee_id": "carla", "function": "delivery", "load": 2.0},
        ]


async def test_figures_of_clients_count_what_was_placed_and_delivered_in_the_days_asked_for() -> None:
    async with company() as house:
        days = {"placed_on": "2026-03-02", "promised_on": "2026-03-20"}
        await placed(house, "o-1", **days, delivered_on="2026-03-20")
        await placed(house, "o-2", **days, delivered_on="2026-03-21", value="0.50")
        await placed(house, "o-3", **days, delivered_on="2026-04-01")
        await placed(house, "o-4", **days, cancelled_on="2026-03-05")
        await placed(house, "o-5", placed_on="2026-02-27", promised_on="2026-03-31", delivered_on="2026-03-31")
        body = {"client_ids": ["c-2", "c-1", "c-99"], "from": "2026-03-01", "until": "2026-03-31"}
        none = {"revenue": "0.00", "orders": 0, "delivered": 0, "on_time": 0}
        assert await house.ok("service", "POST", "/orders/v1/figures", json=body) == {
            "items": [
                {"client_id": "c-2", **none},
                {"client_id": "c-1", "revenue": "200.50", "orders": 3, "delivered": 3, "on_time": 2},
                {"client_id": "c-99", **none},
            ]
        }
        assert (await house.call("director", "POST", "/orders/v1/figures", json=body)).status_code == 403


async def test_workload_shows_load_capacity_and_queue_to_those_whom_it_concerns() -> None:
    async with company() as house:
        await placed(house, "o-1")
        await placed(house, "o-2")
        await act(house, "service", "o-1", "placement", "start")

        async def seen(who: Any) -> dict[tuple[str, str], tuple[float, float, int]]:
            page = await house.ok(who, "GET", "/orders/v1/workload")
            return {(i["employee_id"], i["function"]): (i["load"], i["capacity"], i["queue"]) for i in page["items"]}

        everything = await seen("director")
        assert everything[("anna", "sales")] == (2, 10, 1)
        assert everything[("carla", "delivery")] == (4, 10, 2)
        assert len(everything) == 6
        assert {who for who, _ in await seen(("sales_head", "hanna"))} == {"anna", "boris", "carla"}
        assert {who for who, _ in await seen(("employee", "dmitri"))} == {"dmitri"}
        first = await house.ok("director", "GET", "/orders/v1/workload?limit=4")
        rest = await house.ok("director", "GET", f"/orders/v1/workload?limit=4&cursor={first['next_cursor']}")
        assert len(first["items"]) == 4
        assert len(rest["items"]) == 2


async def test_delivery_tells_on_time_and_repeat_orders_of_a_client() -> None:
    async with company() as house:
        days = {"placed_on": "2026-03-02", "promised_on": "2026-03-20"}
        await placed(house, "o-1", **days, delivered_on="2026-03-20")
        await placed(house, "o-2", **days, delivered_on="2026-03-21")
        await placed(house, "o-3", **days)
        await placed(house, "o-4", **days, client_id="c-2", delivered_on="2026-03-19")
        assert await house.ok("director", "GET", "/orders/v1/delivery?client_id=c-1") == {
            "client_id": "c-1",
            "clients": 1,
            "orders": 3,
            "delivered": 2,
            "on_time": 1,
            "on_time_share": 0.5,
            "late": 1,
            "repeat_orders": 2,
        }
        everything = await house.ok("director", "GET", "/orders/v1/delivery")
        assert (everything["clients"], everything["orders"], everything["repeat_orders"]) == (2, 4, 2)
        nothing = await house.ok(("employee", "stranger"), "GET", "/orders/v1/delivery?client_id=c-1")
        assert (nothing["orders"], nothing["on_time_share"]) == (0, None)


async def test_the_sales_curve_of_a_full_portfolio_proposes_stages_to_give_away() -> None:
    async with company() as house:
        first = house.clock.day().replace(day=1)
        for n in range(1, 9):
            month = after(first, -n).replace(day=3)
            await placed(house, f"h-{n}", sales="boris", placed_on=month.isoformat(), delivered_on=month.isoformat())
        await placed(house, "o-1", delivery="boris")
        curve = await house.ok(("sales_head", "hanna"), "GET", "/orders/v1/sales-curves/boris")
        assert curve["phase"] == "plateau"
        assert len(curve["months"]) == 24
        assert curve["evidence"] == {"months": 8, "mean": "100.00", "change": 0.0, "uncertainty": 0.0}
        assert curve["proposal"] == [
            {"order_id": "o-1", "stage": "fulfilment", "function": "delivery", "could": ["carla", "dmitri"]}
        ]
        own = await house.ok(("employee", "boris"), "GET", "/orders/v1/sales-curves/boris")
        assert own == curve
        for who in (("employee", "anna"), ("sales_head", "olga")):
            assert (await house.call(who, "GET", "/orders/v1/sales-curves/boris")).status_code == 404
        assert (await house.ok("director", "GET", "/orders/v1/sales-curves/anna"))["phase"] == "unclear"


async def test_bad_input_is_refused_clearly_and_nothing_is_half_done() -> None:
    async with company() as house:
        bad: list[tuple[dict[str, Any], int, str]] = [
            ({"colour": "Ada"}, 422, "invalid"),
            ({"value": "-1"}, 422, "invalid"),
            ({"value": "1.234"}, 422, "invalid"),
            ({"value": "NaN"}, 422, "invalid"),
            ({"value": 1e30}, 422, "invalid"),
            ({"id": "a b"}, 422, "invalid"),
            ({"id": "x" * 65}, 422, "invalid"),
            ({"client_id": "c\x00"}, 422, "invalid"),
            ({"client_id": "Ada"}, 422, "unknown_client"),
            ({"flow_id": "Ada"}, 422, "unknown_flow"),
            ({"origin": "Ada"}, 422, "invalid"),
            ({"placed_on": "yesterday"}, 422, "invalid"),
            ({"placed_on": "0001-01-01"}, 422, "invalid"),
            ({"promised_on": "2020-01-01"}, 422, "dates_out_of_order"),
            ({"assignees": {"Ada": "anna"}}, 422, "unknown_stage"),
            ({"assignees": {"placement": "Ada"}}, 422, "unknown_employee"),
            ({"delivered_on": "2990-01-01"}, 422, "not_yet"),
        ]
        for changed, status, reason in bad:
            answer = await house.call("service", "POST", "/orders/v1/orders", json=order(house, "o-1") | changed)
            assert (answer.status_code, answer.json()["reason"]) == (status, reason), changed
            assert answer.headers["content-type"] == "application/problem+json"
            assert "Ada" not in answer.text
        malformed = await house.call(
            "service", "POST", "/orders/v1/orders", content=b"{", headers={"Content-Type": "application/json"}
        )
        assert malformed.status_code == 400
        large = await house.call("service", "POST", "/orders/v1/orders", content=b"x" * 10_000_000)
        assert large.status_code == 413
        for path in ("/orders/v1/orders/none", "/orders/v1/flows/none", "/orders/v1/flows/standard/versions/9"):
            assert (await house.call("director", "GET", path)).status_code == 404
        assert (await house.call("director", "GET", "/orders/v1/orders?cursor=x")).status_code == 422
        flow = {"id": "f", "name": "F", "stages": [], "separate": []}
        assert (await house.call("director", "POST", "/orders/v1/flows", json=flow)).status_code == 422
        assert await house.scalar("orders", "SELECT count(*) FROM orders") == 0
        assert await house.scalar("orders", "SELECT count(*) FROM people WHERE status IS NULL") == 0


async def test_a_left_or_unknown_person_is_given_no_stage() -> None:
    async with company() as house:
        await placed(house, "o-1")
        await hire(house, "gone", status="left", functions={"sales": 5})
        for name, status, reason in (("gone", 409, "not_employed"), ("nobody", 422, "unknown_employee")):
            answer = await house.call(
                "director", "PUT", "/orders/v1/orders/o-1/stages/placement/assignee", json={"employee_id": name}
            )
            assert (answer.status_code, answer.json()["reason"]) == (status, reason)
