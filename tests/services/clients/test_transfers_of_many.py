"""Transfers of which some cannot be right: the good ones are done, the wrong ones named; twice the same is the same."""

import asyncio
import json
from typing import Any

from tests.services.clients.town import BASE, Town, town

SECRET = "Erika is ill"


async def moved(here: Town, *items: Any, who: Any = "service", **params: Any) -> list[tuple[str | None, str]]:
    body = {"items": items, "reason": "districts"}
    answer = await here.house.ok(who, "POST", f"{BASE}/transfers", json=body, params=params)
    assert answer["done"] + answer["refused"] == len(items)
    return [(item["client_id"], item["outcome"]) for item in answer["items"]]


def move(client: str, to: str = "ben", **more: Any) -> dict[str, Any]:
    return {"client_id": client, "from_id": "anna", "to_id": to, **more}


async def test_items_of_the_wrong_shape_are_named_and_the_others_done() -> None:
    async with town("anna", "ben") as here:
        for number in range(3):
            await here.client(f"c-{number}", "anna")
        items = [
            move("c-0"),
            {"client_id": "c-1", "from_id": "anna"},
            7,
            move("c-2", colour="red"),
            move(SECRET),
            move("c-1", to=SECRET),
            None,
            move("c-1"),
        ]
        expected = [
            ("c-0", "done"),
            ("c-1", "invalid"),
            (None, "invalid"),
            ("c-2", "invalid"),
            (None, "invalid"),
            ("c-1", "invalid"),
            (None, "invalid"),
            ("c-1", "done"),
        ]
        assert await moved(here, *items, dry_run=True) == expected
        assert await here.owner("c-0") == "anna"
        for _ in range(2):
            assert await moved(here, *items) == expected
        assert [await here.owner(f"c-{number}") for number in range(3)] == ["ben", "ben", "anna"]


async def test_a_service_moves_the_clients_of_all_by_any_of_their_ids() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna", external_ids={"crm": "1"})
        assert await moved(here, move("crm~1"), move("crm~2")) == [("c-1", "done"), ("crm~2", "unknown_client")]
        back = {"client_id": "c-1", "from_id": "ben", "to_id": "anna"}
        assert await moved(here, back, move("crm~1"), back) == [("c-1", "done")] * 3
        assert await here.owner("c-1") == "anna"


async def test_of_100_000_items_the_good_ones_are_done_and_the_wrong_ones_named_twice_the_same() -> None:
    async with town("anna", "ben", "left") as here:
        await here.leave("left")
        rows = [json.dumps({"id": f"c-{number}", "name": "C", "owner_id": "anna"}) for number in range(2_000)]
        await here.house.call("service", "POST", f"{BASE}/imports?kind=clients", content="\n".join(rows).encode())
        items: list[Any] = [move(f"c-{number}") for number in range(100_000)]
        items[10::1_000] = [{"client_id": "c-x"}] * 100
        items[20] = move("c-20", to="left")
        items[30] = {**move("c-30"), "from_id": "ben"}
        expected = [(f"c-{n}", "done" if n < 2_000 else "unknown_client") for n in range(100_000)]
        expected[10::1_000] = [("c-x", "invalid")] * 100
        expected[20] = ("c-20", "not_employed")
        expected[30] = ("c-30", "not_owner")
        for _ in range(2):
            assert await moved(here, *items) == expected
        counted = await here.house.rows("clients", "SELECT owner_id, count(*) AS n FROM clients GROUP BY 1 ORDER BY 1")
        assert [(row["owner_id"], row["n"]) for row in counted] == [("anna", 4), ("ben", 1_996)]
        assert await here.house.scalar("clients", "SELECT count(*) FROM history WHERE kind = 'manual'") == 1_996


async def test_conflicting_transfers_of_many_at_the_same_time_end_in_exactly_one_owner_each() -> None:
    async with town("anna", "ben", "carl", "dora") as here:
        clients = [f"c-{number}" for number in range(300)]
        rows = [json.dumps({"id": client, "name": "C", "owner_id": "anna"}) for client in clients]
        await here.house.call("service", "POST", f"{BASE}/imports?kind=clients", content="\n".join(rows).encode())
        takers = ("ben", "carl", "dora")
        orders = (clients, clients[::-1], [*clients[150:], *clients[:150]])
        results = await asyncio.gather(
            *(moved(here, *[move(client, to) for client in order]) for to, order in zip(takers, orders, strict=True))
        )
        won: dict[str | None, list[str]] = {}
        for to, result in zip(takers, results, strict=True):
            assert {outcome for _, outcome in result} <= {"done", "not_owner"}
            for client, outcome in result:
                if outcome == "done":
                    won.setdefault(client, []).append(to)
        assert {client: len(owners) for client, owners in won.items()} == dict.fromkeys(clients, 1)
        owned = await here.house.rows("clients", "SELECT client_id, owner_id FROM clients")
        assert {row["client_id"]: [row["owner_id"]] for row in owned} == won
