"""Import of who met a client, what it said, who serves it and who is there: a row each, repeatable."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.services.clients.town import BASE, Town, town

Result = tuple[str, str | None]


async def imported(here: Town, kind: str, *rows: Any, who: Any = "service", **params: Any) -> list[Result]:
    body = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()
    answer = await here.house.call(who, "POST", f"{BASE}/imports", params={"kind": kind, **params}, content=body)
    assert answer.status_code == 200, answer.text
    results = [json.loads(line) for line in answer.text.splitlines()]
    return [(result["outcome"], result["reason"]) for result in results]


def at(here: Town, days: int = 1) -> str:
    return (here.house.clock() - timedelta(days=days)).isoformat()


CREATED, UPDATED, UNCHANGED = ("created", None), ("updated", None), ("unchanged", None)
ROWS: dict[str, dict[str, Any]] = {
    "interactions": {"client_id": "c-1", "employee_id": "anna", "kind": "call", "at": "2026-01-05T10:00:00+01:00"},
    "feedback": {"client_id": "c-1", "score": 9, "note": "on time", "at": "2026-01-05T10:00:00Z"},
    "team": {"client_id": "c-1", "function": "delivery", "employee_id": "ben"},
    "contacts": {"client_id": "c-1", "name": "Erika", "phone": "+49 30 1"},
}
TABLES = ("interactions", "feedback", "team", "profiles", "clients", "imported_rows", "journal_pending", "outbox")


async def everything(here: Town) -> dict[str, Any]:
    return {
        table: await here.house.rows("clients", f"SELECT * FROM {table} t ORDER BY CAST(t AS text)") for table in TABLES
    }


@pytest.mark.parametrize("kind", ROWS)
async def test_a_second_time_changes_nothing_and_a_dry_run_never_does(kind: str) -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        untouched = await everything(here)
        assert await imported(here, kind, ROWS[kind], dry_run=True) == [CREATED]
        assert await everything(here) == untouched
        assert await imported(here, kind, ROWS[kind], ROWS[kind]) == [CREATED, UNCHANGED]
        before = await everything(here)
        assert before != untouched
        assert await imported(here, kind, ROWS[kind]) == [UNCHANGED]
        assert await everything(here) == before


@pytest.mark.parametrize("kind", ROWS)
async def test_rows_of_an_unknown_client_and_wrong_ones_are_refused_with_the_reason(kind: str) -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        results = await imported(
            here,
            kind,
            {**ROWS[kind], "client_id": "c-9"},
            "{broken",
            {**ROWS[kind], "secret_note": "Erika is ill"},
            {name: value for name, value in ROWS[kind].items() if name != "client_id"},
            ROWS[kind],
        )
        assert results == [
            ("refused", "unknown_client"),
            ("refused", "malformed_json"),
            ("refused", "invalid: unknown fields"),
            ("refused", "invalid: client_id"),
            CREATED,
        ]


@pytest.mark.parametrize("kind", ROWS)
async def test_a_client_may_be_called_as_another_system_calls_it_also_twice_in_one_file(kind: str) -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna", external_ids={"crm": "7", "erp": "A"})
        row = {**ROWS[kind], **({} if kind == "team" else {"id": "x-1"})}
        results = await imported(here, kind, {**row, "client_id": "crm~7"}, {**row, "client_id": "erp~A"}, row)
        assert results == [CREATED, UNCHANGED, UNCHANGED]


@pytest.mark.parametrize("kind", ROWS)
async def test_what_was_imported_of_a_client_that_was_merged_is_not_imported_again(kind: str) -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "anna")
        assert await imported(here, kind, ROWS[kind]) == [CREATED]
        await here.house.ok("director", "POST", f"{BASE}/clients/c-1/merge", json={"into_id": "c-2"})
        before = await everything(here)
        assert await imported(here, kind, ROWS[kind]) == [UNCHANGED]
        assert await everything(here) == before


async def test_who_met_must_be_known_and_may_have_left() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.leave("ben")
        row = ROWS["interactions"]
        results = await imported(here, "interactions", {**row, "employee_id": "ben"}, {**row, "employee_id": "nobody"})
        assert results == [CREATED, ("refused", "unknown_employee")]


async def test_an_interaction_with_an_id_is_corrected_by_it() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        row = {**ROWS["interactions"], "id": "i-1"}
        assert await imported(here, "interactions", row) == [CREATED]
        assert await imported(here, "interactions", {**row, "kind": "meeting", "employee_id": "ben"}) == [UPDATED]
        (noted,) = (await here.house.ok("director", "GET", f"{BASE}/clients/c-1/interactions"))["items"]
        assert (noted["id"], noted["kind"], noted["employee_id"]) == ("i-1", "meeting", "ben")


async def test_what_is_imported_counts_for_who_knows_the_client() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        rows = [
            {**ROWS["interactions"], "employee_id": who, "at": at(here, n)} for who in ("anna", "ben") for n in (1, 2)
        ]
        assert await imported(here, "interactions", *rows) == [CREATED] * 4
        found = await here.house.ok("director", "GET", f"{BASE}/clients/c-1/knowledge")
        assert [(one["employee_id"], one["calls"]) for one in found["known_by"]] == [("anna", 2), ("ben", 2)]
        assert found["count"] == 2


async def test_a_place_is_given_only_to_who_can_own_and_is_told_of() -> None:
    async with town("anna", "ben", "carl", "left") as here:
        await here.client("c-1", "anna", team={"delivery": "anna"})
        await here.leave("left")
        await here.resign("carl", "anna")
        row = ROWS["team"]
        results = await imported(
            here, "team", row, *({**row, "function": f, "employee_id": f} for f in ("left", "carl", "nobody"))
        )
        assert results == [
            UPDATED,
            ("refused", "not_employed"),
            ("refused", "frozen"),
            ("refused", "unknown_employee"),
        ]
        assert (await here.house.ok("director", "GET", f"{BASE}/clients/c-1"))["team"] == {"delivery": "ben"}
        assert (await here.house.sent("clients", "client.changed"))[-1].data.team == {"delivery": "ben"}


async def test_an_old_file_gives_nobody_a_place_back() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna")
        assert await imported(here, "team", ROWS["team"]) == [CREATED]
        await here.house.ok("director", "PUT", f"{BASE}/clients/c-1/team/delivery", json={"employee_id": "carl"})
        assert await imported(here, "team", ROWS["team"]) == [UNCHANGED]
        assert (await here.house.ok("director", "GET", f"{BASE}/clients/c-1"))["team"] == {"delivery": "carl"}
        assert await imported(here, "team", {**ROWS["team"], "employee_id": "anna"}) == [UPDATED]
        assert (await here.house.ok("director", "GET", f"{BASE}/clients/c-1"))["team"] == {"delivery": "anna"}


async def contacts(here: Town) -> list[tuple[str, str]]:
    found = await here.house.ok("service", "GET", f"{BASE}/clients/c-1")
    return [(contact["id"], contact["name"]) for contact in found["contacts"]]


async def test_contacts_of_many_clients_keep_their_ids_and_their_neighbours() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna", contacts=[{"id": "k-0", "name": "Otto"}])
        await here.client("c-2", "anna")
        rows = [{"client_id": f"c-{1 + n % 2}", "id": f"k-{n}", "name": f"Person {n}"} for n in range(1, 5)]
        assert await imported(here, "contacts", *rows, {"client_id": "c-1", "name": "Otto"}) == [CREATED] * 4 + [
            UNCHANGED
        ]
        assert await contacts(here) == [("k-0", "Otto"), ("k-2", "Person 2"), ("k-4", "Person 4")]
        assert await imported(here, "contacts", {**rows[1], "name": "Person II"}) == [UPDATED]
        assert await contacts(here) == [("k-0", "Otto"), ("k-2", "Person II"), ("k-4", "Person 4")]


async def test_an_old_file_brings_back_no_contact_that_was_removed() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        row = {"client_id": "c-1", "id": "k-1", "name": "Erika"}
        assert await imported(here, "contacts", row) == [CREATED]
        await here.house.ok("service", "DELETE", f"{BASE}/clients/c-1/contacts/k-1")
        assert await imported(here, "contacts", row) == [UNCHANGED]
        assert await contacts(here) == []


async def test_an_erased_contact_is_not_imported_again_and_nothing_of_what_it_said_is_kept() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        rows = [{"client_id": "c-1", "id": f"k-{n}", "name": f"Person {n}"} for n in (1, 2)]
        assert await imported(here, "contacts", *rows) == [CREATED] * 2
        body = {"reason": "asked for it"}
        await here.house.ok("director", "POST", f"{BASE}/clients/c-1/contacts/k-2/erase", json=body)
        assert await here.house.rows("clients", "SELECT key FROM imported_rows") == [{"key": "k-1"}]
        assert await imported(here, "contacts", *rows) == [UNCHANGED, ("refused", "erased")]
        assert await contacts(here) == [("k-1", "Person 1")]


async def test_an_erased_client_is_told_nothing_more_of() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        for kind, row in ROWS.items():
            assert await imported(here, kind, row) == [CREATED]
        await here.house.ok("director", "POST", f"{BASE}/clients/c-1/erase", json={"reason": "asked for it"})
        assert await here.house.scalar("clients", "SELECT count(*) FROM imported_rows") == 0
        for kind, row in ROWS.items():
            assert await imported(here, kind, row) == [("refused", "erased")]


async def test_a_client_has_no_more_contacts_by_import_than_by_hand() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        rows = [{"client_id": "c-1", "name": f"Person {n}"} for n in range(101)]
        assert await imported(here, "contacts", *rows) == [CREATED] * 100 + [("refused", "too_many_contacts")]


async def test_only_services_directors_and_operators_import() -> None:
    async with town("anna") as here:
        for kind in ROWS:
            for role in ("employee", "sales_head", "hr", "auditor"):
                answer = await here.house.call((role, "anna"), "POST", f"{BASE}/imports?kind={kind}", content=b"")
                assert answer.status_code == 403


async def test_many_rows_are_taken_in_by_few_statements() -> None:
    async with town("anna", "ben") as here:
        for number in range(3):
            await here.client(f"c-{number}", "anna")
        rows = [
            {**ROWS["interactions"], "client_id": f"c-{n % 3}", "at": f"2026-01-{1 + n % 28:02}T10:00:{n % 60:02}Z"}
            for n in range(2_500)
        ]
        results = await imported(here, "interactions", *rows)
        assert {outcome for outcome, _ in results} <= {"created", "unchanged"}
        leaves = await here.house.scalar(
            "clients", "SELECT count(*) FROM journal_pending WHERE kind = 'interactions.imported'"
        )
        assert leaves <= 4
        assert len({json.dumps(row) for row in rows}) == await here.house.scalar(
            "clients", "SELECT count(*) FROM interactions"
        )
