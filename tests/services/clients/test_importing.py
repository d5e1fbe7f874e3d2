"""Import: a row is compared with the row last imported, not with the present."""

import json
from typing import Any

from tests.services.clients.town import BASE, Town, town


async def imported(here: Town, *rows: Any, who: Any = "service", **params: Any) -> list[tuple[str, str | None]]:
    body = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()
    answer = await here.house.call(who, "POST", f"{BASE}/imports", params={"kind": "clients", **params}, content=body)
    assert answer.status_code == 200, answer.text
    results = [json.loads(line) for line in answer.text.splitlines()]
    return [(result["outcome"], result["reason"]) for result in results]


def row(id: str, owner: str = "anna", **fields: Any) -> dict[str, Any]:
    return {"id": id, "name": "Müller", "owner_id": owner, **fields}


async def test_good_rows_are_kept_and_bad_ones_listed_with_their_line_and_reason() -> None:
    async with town("anna", "left", "frozen") as here:
        await here.leave("left")
        await here.resign("frozen")
        results = await imported(
            here,
            row("c-1"),
            row("c-2", "nobody"),
            row("c-3", "left"),
            row("c-4", "frozen"),
            "{broken",
            row("c-5", value="-1", colour="red"),
            {"line": 77, "data": row("c-6")},
            row("c-7", team={"delivery": "left"}),
            '{"id": "c-8", "name": "A", "owner_id": "anna", "effort": NaN}',
            "[1]",
        )
        assert results == [
            ("created", None),
            ("refused", "unknown_employee"),
            ("refused", "not_employed"),
            ("refused", "frozen"),
            ("refused", "malformed_json"),
            ("refused", "invalid: value"),
            ("refused", "not_employed"),
            ("refused", "invalid: effort"),
            ("refused", "invalid: unknown fields"),
            ("created", None),
        ]


async def test_the_same_file_again_changes_nothing() -> None:
    async with town("anna") as here:
        rows = [row(f"c-{number}", contacts=[{"name": "E", "phone": "1"}]) for number in range(3)]
        assert await imported(here, *rows) == [("created", None)] * 3
        before = await here.house.rows("clients", "SELECT * FROM profiles ORDER BY client_id")
        assert await imported(here, *rows) == [("unchanged", None)] * 3
        assert await here.house.rows("clients", "SELECT * FROM profiles ORDER BY client_id") == before
        assert len(await here.house.sent("clients", "client.registered")) == 1


async def test_an_old_file_gives_nobody_their_clients_back() -> None:
    async with town("anna", "ben", "carl") as here:
        await imported(here, row("c-1"), row("c-2"))
        await here.resign("anna", "ben")
        await here.transfer(("c-1", "anna", "carl"))
        assert await imported(here, row("c-1"), row("c-2", name="Changed")) == [("unchanged", None), ("updated", None)]
        assert await here.owner("c-1") == "carl"
        assert await here.owner("c-2") == "ben"
        shown = await here.house.ok("director", "GET", f"{BASE}/clients/c-2")
        assert (shown["name"], shown["record_owner_id"]) == ("Changed", "anna")


async def test_a_change_made_since_is_kept_while_the_file_stays_the_same() -> None:
    async with town("anna") as here:
        await imported(here, row("c-1"))
        await here.house.ok(("employee", "anna"), "PATCH", f"{BASE}/clients/c-1", json={"name": "By hand"})
        assert await imported(here, row("c-1")) == [("unchanged", None)]
        assert (await here.house.ok("director", "GET", f"{BASE}/clients/c-1"))["name"] == "By hand"


async def test_a_dry_run_says_what_would_be_and_changes_nothing() -> None:
    async with town("anna") as here:
        assert await imported(here, row("c-1"), row("c-2", "nobody"), dry_run=True) == [
            ("created", None),
            ("refused", "unknown_employee"),
        ]
        assert await here.house.scalar("clients", "SELECT count(*) FROM clients") == 0


async def test_a_client_named_twice_is_created_then_updated() -> None:
    async with town("anna") as here:
        assert await imported(here, row("c-1"), row("c-1", name="Second")) == [("created", None), ("updated", None)]


async def test_many_rows_are_published_in_chunks() -> None:
    async with town("anna") as here:
        results = await imported(here, *[row(f"c-{number}") for number in range(2_050)])
        assert set(results) == {("created", None)}
        events = await here.house.sent("clients", "client.registered")
        assert [len(event.data.items) for event in events] == [1_000, 1_000, 50]


async def test_a_line_that_is_wrong_is_never_repeated_in_the_answer() -> None:
    async with town("anna") as here:
        body = json.dumps(row("c-1", secret_note="Erika is ill")).encode()
        answer = await here.house.call("service", "POST", f"{BASE}/imports?kind=clients", content=body)
        assert "Erika" not in answer.text
        assert "secret_note" not in answer.text


async def test_who_may_not_register_for_all_may_not_import() -> None:
    async with town("anna") as here:
        for role in ("employee", "sales_head", "hr", "auditor"):
            answer = await here.house.call((role, "anna"), "POST", f"{BASE}/imports?kind=clients", content=b"")
            assert answer.status_code == 403
