"""Many orders in one call, each line with its result."""

import json
from datetime import timedelta
from typing import Any

import httpx

from tests.services.orders.company import get_stages, make_order_body, open_company, work_on_stage
from tests.support.house import House


async def upload(
    house: House, *orders: Any, query: str = "kind=orders", who: Any = "service", **request: Any
) -> httpx.Response:
    lines = [json.dumps({"line": line, "data": data}) for line, data in enumerate(orders, 2)]
    headers = {"Content-Type": "application/x-ndjson", **request.pop("headers", {})}
    content = request.pop("content", "\n".join(lines).encode())
    return await house.call(who, "POST", f"/orders/v1/imports?{query}", content=content, headers=headers)


def results(answer: httpx.Response) -> list[tuple[int, str, str | None]]:
    assert answer.status_code == 200, answer.text
    rows = [json.loads(line) for line in answer.text.splitlines()]
    return [(row["line"], row["outcome"], row["reason"]) for row in rows]


async def test_good_lines_are_kept_and_bad_ones_named_with_the_reason() -> None:
    async with open_company() as house:
        today = house.clock.day()
        past, yesterday = (today - timedelta(days=30)).isoformat(), (today - timedelta(days=1)).isoformat()
        tomorrow = (today + timedelta(days=5)).isoformat()
        answer = await upload(
            house,
            make_order_body(
                house, "o-1", placed_on=past, delivered_on=yesterday, assignees={"placement": "left-long-ago"}
            ),
            make_order_body(house, "o-2", assignees={"placement": "anna"}),
            make_order_body(house, "o-3", client_id="c-99"),
            make_order_body(house, "o-4", flow_id="nonsense"),
            make_order_body(house, "o-5", value="12.345", origin="stolen"),
            make_order_body(house, "o-6", colour="red"),
            make_order_body(house, "o-7", promised_on=past),
            make_order_body(house, "o-8", delivered_on=tomorrow),
            make_order_body(house, "o-9", assignees={"nonsense": "anna"}),
            make_order_body(house, "o-10", assignees={"placement": "nobody"}),
            make_order_body(house, "o-11", assignees={"placement": "boris", "fulfilment": "boris"}),
            make_order_body(house, "o-2", assignees={"placement": "anna"}),
            make_order_body(house, "o-2"),
            {key: value for key, value in make_order_body(house, "x").items() if key != "id"},
        )
        assert results(answer) == [
            (2, "created", None),
            (3, "created", None),
            (4, "refused", "unknown_client"),
            (5, "refused", "unknown_flow"),
            (6, "refused", "invalid: origin, value"),
            (7, "refused", "invalid: unknown fields"),
            (8, "refused", "dates_out_of_order"),
            (9, "refused", "not_yet"),
            (10, "refused", "unknown_stage"),
            (11, "refused", "unknown_employee"),
            (12, "refused", "separation_breached"),
            (13, "unchanged", None),
            (14, "refused", "exists"),
            (15, "refused", "invalid: id"),
        ]
        assert await get_stages(house, "o-1") == {
            "placement": ("left-long-ago", "completed"),
            "fulfilment": (None, "completed"),
        }
        assert await get_stages(house, "o-2") == {"placement": ("anna", "ready"), "fulfilment": ("boris", "waiting")}
        [event] = await house.sent("orders", "order.placed")
        assert [(state.order_id, state.status) for state in event.data.items] == [("o-1", "delivered"), ("o-2", "open")]
        assert "stolen" not in answer.text
        assert "colour" not in answer.text


async def test_the_same_file_again_changes_nothing_even_after_the_orders_have_gone_on() -> None:
    async with open_company() as house:
        rows = [make_order_body(house, f"o-{n}", assignees={"placement": "anna"}) for n in range(5)]
        assert {outcome for _, outcome, _ in results(await upload(house, *rows))} == {"created"}
        await work_on_stage(house, "service", "o-1", "placement", "start")
        before = await house.rows("orders", "SELECT * FROM stages ORDER BY order_id, position")
        assert {outcome for _, outcome, _ in results(await upload(house, *rows))} == {"unchanged"}
        assert await house.rows("orders", "SELECT * FROM stages ORDER BY order_id, position") == before


async def test_a_newer_export_brings_value_and_end_but_never_who_does_what() -> None:
    async with open_company() as house:
        today = house.clock.day().isoformat()
        await upload(
            house,
            make_order_body(house, "o-1", assignees={"placement": "anna"}),
            make_order_body(house, "o-2"),
            make_order_body(house, "o-3"),
        )
        answer = await upload(
            house,
            make_order_body(house, "o-1", assignees={"placement": "boris"}, value="250.00"),
            make_order_body(house, "o-2", delivered_on=today),
            make_order_body(house, "o-3", cancelled_on=today),
            make_order_body(house, "o-1", client_id="c-2"),
        )
        assert [outcome for _, outcome, _ in results(answer)] == ["updated", "updated", "updated", "refused"]
        shown = {id: await house.ok("director", "GET", f"/orders/v1/orders/{id}") for id in ("o-1", "o-2", "o-3")}
        assert shown["o-1"]["value"] == "250.00"
        assert shown["o-1"]["stages"][0]["assignee_id"] == "anna"
        assert (shown["o-2"]["status"], shown["o-2"]["delivered_on"]) == ("delivered", today)
        assert (shown["o-3"]["status"], shown["o-3"]["cancelled_on"]) == ("cancelled", today)
        assert [e.data.items[0].order_id for e in await house.sent("orders", "order.delivered")] == ["o-2"]
        assert [e.data.items[0].order_id for e in await house.sent("orders", "order.cancelled")] == ["o-3"]
        assert await house.scalar("orders", "SELECT count(*) FROM stages WHERE open AND order_id <> 'o-1'") == 0


async def test_a_dry_run_says_the_same_and_changes_nothing() -> None:
    async with open_company() as house:
        rows = [make_order_body(house, "o-1"), make_order_body(house, "o-2", client_id="c-99")]
        dry = results(await upload(house, *rows, query="kind=orders&dry_run=true"))
        assert await house.scalar("orders", "SELECT count(*) FROM orders") == 0
        assert not await house.sent("orders", "order.placed")
        assert results(await upload(house, *rows)) == dry


async def test_open_orders_of_an_import_stay_within_capacity_too() -> None:
    async with open_company() as house:
        rows = [
            make_order_body(house, f"o-{n}", assignees={"placement": "anna", "fulfilment": "carla"}) for n in range(7)
        ]
        outcomes = results(await upload(house, *rows))
        assert [reason for _, _, reason in outcomes] == [None] * 5 + ["capacity_breached"] * 2
        rows = [make_order_body(house, f"p-{n}") for n in range(20)]
        assert {outcome for _, outcome, _ in results(await upload(house, *rows))} == {"created"}
        workload = await house.ok("director", "GET", "/orders/v1/workload")
        assert all(item["load"] <= item["capacity"] for item in workload["items"] if item["employee_id"])
        queue = {item["function"]: item["queue"] for item in workload["items"] if item["employee_id"] is None}
        assert queue == {"delivery": 10, "sales": 3}


async def test_an_import_that_is_none_is_refused_as_a_whole() -> None:
    async with open_company() as house:
        for content in (
            b"{",
            b"[]",
            b'{"line": 1}',
            b'{"line": "x", "data": {}}',
            b"\xff\xfe",
            b'{"line": 1, "data": 7}',
        ):
            answer = await upload(house, content=content)
            assert (answer.status_code, answer.json()["reason"]) == (400, "malformed_json")
        wrong = await upload(house, make_order_body(house, "o-1"), headers={"Content-Type": "application/json"})
        assert wrong.status_code == 415
        assert (await upload(house, query="kind=flows")).status_code == 422
        for who in ("hr", "employee", "sales_head", "auditor"):
            assert (await upload(house, make_order_body(house, "o-1"), who=who)).status_code == 403
        assert (await upload(house, content=b"")).text == ""


async def test_history_of_thousands_comes_in_chunks_with_one_event_each() -> None:
    async with open_company() as house:
        today = house.clock.day()
        rows = [
            make_order_body(
                house,
                f"o-{n:06}",
                client_id=f"c-{n % 5 + 1}",
                placed_on=(today - timedelta(days=30 + n % 600)).isoformat(),
                assignees={"placement": "anna", "fulfilment": "carla"},
                delivered_on=(today - timedelta(days=n % 30)).isoformat(),
            )
            for n in range(2_500)
        ]
        assert {outcome for _, outcome, _ in results(await upload(house, *rows))} == {"created"}
        sizes = [len(envelope.data.items) for envelope in await house.sent("orders", "order.placed")]
        assert sizes == [1_000, 1_000, 500]
        assert await house.scalar("orders", "SELECT count(*) FROM stages") == 5_000
        assert await house.ok("ops", "POST", "/orders/v1/republish") == {"events": 3}
        again = await house.sent("orders", "order.placed")
        states = {state.order_id: state for envelope in again[:3] for state in envelope.data.items}
        assert {state.order_id: state for envelope in again[3:] for state in envelope.data.items} == states
