"""The export for people: what they may export, page by page, until somebody freezes them."""

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.clients.exports.store import EXPORT_FIELDS, EXPORT_PAGE_SIZE
from services.clients.register.rules import Client
from tests.services.clients.town import BASE, Town, town


async def text_of(here: Town, who: Any, path: str = "export") -> str:
    answer = await here.house.call(who, "GET", f"{BASE}/{path}")
    assert answer.status_code == 200, answer.text
    return answer.text


async def exported(here: Town, who: Any) -> list[str]:
    return [json.loads(line)["id"] for line in (await text_of(here, who)).splitlines()]


async def grant(here: Town, name: str) -> None:
    body = {"employee_id": name, "reason": "moves to another CRM"}
    await here.house.ok("director", "POST", f"{BASE}/access/export-grants", json=body)


async def fill(here: Town, count: int, owner: str = "anna") -> list[str]:
    """Registers clients of one owner by import; their ids in order."""
    ids = [f"c-{number:05}" for number in range(count)]
    rows = "\n".join(f'{{"id":"{id}","name":"C","owner_id":"{owner}"}}' for id in ids)
    await here.house.call("service", "POST", f"{BASE}/imports?kind=clients", content=rows.encode())
    return ids


def test_all_that_a_client_shows_is_exported_but_what_only_the_system_needs() -> None:
    assert list(EXPORT_FIELDS) == [name for name in Client.__dataclass_fields__ if name not in ("unowned", "version")]


async def test_the_export_has_what_the_caller_may_export_and_nothing_else() -> None:
    async with town("ben", "carl") as here:
        await here.department("north", head="nora")
        await here.hire("nora", "anna", department_id="north")
        await here.client("c-1", "anna")
        await here.client("c-2", "ben", team={"delivery": "anna"})
        await here.client("c-3", "carl")
        assert await exported(here, ("employee", "anna")) == ["c-1"]
        assert await exported(here, ("sales_head", "nora")) == ["c-1"]
        assert await exported(here, ("employee", "nora")) == []
        assert await exported(here, "director") == ["c-1", "c-2", "c-3"]
        await here.resign("carl", "anna")
        assert await exported(here, ("employee", "anna")) == ["c-1", "c-3"]
        assert await exported(here, ("sales_head", "nora")) == ["c-1", "c-3"]


async def test_both_forms_say_what_the_door_of_the_client_says() -> None:
    async with town("anna", "ben") as here:
        contacts = [{"name": 'Erika "E", Frau\\', "email": "e@example.org", "phone": "+49 30 1"}]
        await here.client("c-1", "anna", name='Müller; "Söhne", und', contacts=contacts, regions=["north"], value="7.5")
        await here.client("c-2", "ben", effort=0.25, languages=["de", "fr"], team={"delivery": "anna"})
        await here.resign("ben", "anna")
        lines = (await text_of(here, "director")).splitlines()
        text = await text_of(here, "director", "export?format=csv")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        for line, row, id in zip(lines, rows, ("c-1", "c-2"), strict=True):
            shown = await here.house.ok("service", "GET", f"{BASE}/clients/{id}")
            wanted = {name: shown[name] for name in EXPORT_FIELDS}
            assert json.loads(line) == wanted
            assert list(row) == list(wanted)
            for name, value in wanted.items():
                assert row[name] == (value or "") if isinstance(value, str | None) else json.loads(row[name]) == value


async def test_a_long_export_is_decided_and_journaled_page_by_page() -> None:
    async with town("anna") as here:
        ids = await fill(here, EXPORT_PAGE_SIZE + 7)
        await grant(here, "anna")
        assert await exported(here, ("employee", "anna")) == ids
        pages = await here.house.rows(
            "clients",
            "SELECT cardinality(clients) AS n, reason FROM journal_entries WHERE kind = 'client.exported' ORDER BY id",
        )
        assert [(page["n"], page["reason"]) for page in pages] == [(EXPORT_PAGE_SIZE, "owner"), (7, "owner")]


async def streamed(here: Town, who: tuple[str, str], path: str, after_first: Callable[[], Awaitable[Any]]) -> str:
    """The answer of a route that streams; `after_first` happens when its first lines have been sent."""
    token = here.house.token(*who)
    route, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"{BASE}/{route}",
        "raw_path": f"{BASE}/{route}".encode(),
        "query_string": query.encode(),
        "headers": [(b"authorization", f"Bearer {token}".encode())],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("test", 80),
        "client": ("test", 1),
        "root_path": "",
    }
    parts: list[bytes] = []

    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        return next(asked, None) or await asyncio.Event().wait()  # the caller stays to the end

    async def send(message: Any) -> None:
        body = message.get("body", b"")
        if body.count(b"\n") > 1 and not any(part.count(b"\n") > 1 for part in parts):
            await after_first()
        parts.append(body)

    await here.house.embedded.front.apps["clients"](scope, receive, send)
    return b"".join(parts).decode()


@pytest.mark.parametrize(("format", "last"), [("ndjson", '{"stopped": "frozen"}'), ("csv", "# stopped: frozen")])
async def test_a_freeze_in_the_middle_ends_an_export_with_a_clear_last_line(format: str, last: str) -> None:
    async with town("anna", "ben") as here:
        ids = await fill(here, EXPORT_PAGE_SIZE + 7)
        await grant(here, "anna")

        async def resign() -> None:
            await here.resign("anna", "ben")

        lines = (await streamed(here, ("employee", "anna"), f"export?format={format}", resign)).splitlines()
        assert lines[-1] == last
        assert len(lines) == EXPORT_PAGE_SIZE + 1 + (format == "csv")
        assert ids[EXPORT_PAGE_SIZE - 1] in lines[-2]
        answer = await here.house.call(("employee", "anna"), "GET", f"{BASE}/export")
        assert answer.status_code == 403


async def test_what_changes_hands_in_the_middle_goes_no_further() -> None:
    async with town("anna", "ben") as here:
        ids = await fill(here, EXPORT_PAGE_SIZE + 7)
        await grant(here, "anna")

        async def move() -> None:
            await here.transfer((ids[-1], "anna", "ben"), (ids[0], "anna", "ben"))

        lines = (await streamed(here, ("employee", "anna"), "export", move)).splitlines()
        assert [json.loads(line)["id"] for line in lines] == ids[:-1]
