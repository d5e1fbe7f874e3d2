"""Erasing who a client was, or a person there; and what an erased employee leaves behind in `clients`."""

import json
from typing import Any

import pytest

from services.clients.journal.store import LEAF_COLUMNS
from shared.contracts.staff import EmployeeErased
from tests.services.clients.town import BASE, Town, town

REASON = {"reason": "request 17"}
WILMA = {"name": "Wilma Meyer", "email": "wilma@meyer.example", "phone": "+49 30 1234"}
KARL = {"name": "Karl Otto", "email": None, "phone": None}


async def meyers(here: Town, owner: str = "anna") -> None:
    contacts = [{**WILMA, "id": "k-1"}, {**KARL, "id": "k-2"}]
    fields = {"value": "700.00", "regions": ["berlin"], "external_ids": {"crm": "meyer-sons"}}
    await here.client("c-1", owner, name="Meyer and Sons", contacts=contacts, **fields)


async def met(here: Town, summary: str, owner: str = "anna") -> None:
    body = {"employee_id": owner, "kind": "call", "at": here.house.clock().isoformat(), "summary": summary}
    await here.house.ok(("employee", owner), "POST", f"{BASE}/clients/c-1/interactions", json=body)


async def kept(here: Town) -> str:
    """Every row of every table, as text."""
    tables = here.house.runtime("clients").service.metadata.tables
    rows = [await here.house.rows("clients", f"SELECT CAST(t AS text) AS said FROM {table} t") for table in tables]
    return "\n".join(row["said"] for found in rows for row in found)


async def journal(here: Town) -> list[Any]:
    return await here.house.rows(
        "clients", f"SELECT leaf_text({LEAF_COLUMNS}) AS said FROM journal_entries ORDER BY id"
    )


async def seen(here: Town, **filters: str) -> set[str]:
    """The kinds of the entries that the auditor finds."""
    found = await here.house.ok("auditor", "GET", f"{BASE}/journal", params=filters)
    return {entry["kind"] for entry in found["items"]}


async def test_name_contacts_and_free_text_of_a_client_go_and_the_figures_stay() -> None:
    async with town("anna", "ben") as here:
        await meyers(here)
        await met(here, "Sons are at war")
        await here.house.ok(
            ("employee", "anna"), "POST", f"{BASE}/clients/c-1/feedback", json={"score": 3, "note": "at war"}
        )
        await here.transfer(("c-1", "anna", "ben"))
        before = await journal(here)
        done = await here.house.ok(("service", "crm"), "POST", f"{BASE}/clients/crm~meyer-sons/erase", json=REASON)
        assert (
            done["what"].items()
            >= {"profile": 1, "contacts": 2, "summaries": 1, "feedback_notes": 1, "reasons": 1}.items()
        )
        assert (done["id"], done["by_id"], done["reason"]) == ("c-1", "crm", "request 17")
        text = await kept(here)
        for secret in ("Meyer", "meyer", "Wilma", "Karl", "at war", "new districts", "berlin", "30 1234"):
            assert secret not in text
        gone = await here.house.ok("director", "GET", f"{BASE}/clients/c-1")
        assert (gone["name"], gone["contacts"], gone["value"], gone["owner_id"]) == ("(erased)", [], "700.00", "ben")
        assert (gone["status"], gone["external_ids"]) == ("closed", {})
        history = (await here.house.ok("director", "GET", f"{BASE}/clients/c-1/history"))["items"]
        assert [(entry["kind"], entry["to_id"]) for entry in history] == [("registered", "anna"), ("manual", "ben")]
        assert (await journal(here))[: len(before)] == before
        [event] = await here.house.sent("clients", "client.erased")
        assert event.data.model_dump() == {"client_id": "c-1", "merged_ids": []}


async def test_the_journal_leads_to_an_erased_client_only_from_the_erasure_on() -> None:
    async with town("anna", "ben") as here:
        await meyers(here)
        await here.transfer(("c-1", "anna", "ben"))
        assert {"client.registered", "client.transferred"} <= await seen(here, client_id="c-1")
        await here.house.ok("director", "POST", f"{BASE}/clients/c-1/erase", json=REASON)
        assert await here.check("ben", "c-1") == "owner"
        assert await seen(here, client_id="c-1") == {"client.erased", "access.checked"}


async def test_erasing_a_client_again_gives_the_same_act() -> None:
    async with town("anna") as here:
        await meyers(here)
        done = await here.house.ok("director", "POST", f"{BASE}/clients/c-1/erase", json=REASON)
        assert await here.house.ok("director", "POST", f"{BASE}/clients/c-1/erase", json={"reason": "again"}) == done
        assert len(await here.house.sent("clients", "client.erased")) == 1
        answer = await here.house.call("director", "POST", f"{BASE}/clients/c-9/erase", json=REASON)
        assert answer.status_code == 404


async def test_nothing_gives_an_erased_client_its_name_back() -> None:
    async with town("anna") as here:
        await meyers(here)
        await here.house.ok("director", "POST", f"{BASE}/clients/c-1/erase", json=REASON)
        changed = await here.house.call("director", "PATCH", f"{BASE}/clients/c-1", json={"name": "Meyer"})
        assert changed.status_code in (403, 409)
        changed = await here.house.call(("employee", "anna"), "PATCH", f"{BASE}/clients/c-1", json={"name": "Meyer"})
        assert (changed.status_code, changed.json()["type"]) == (409, "urn:holdfast:erased")
        row = json.dumps({"id": "c-1", "name": "Meyer", "owner_id": "anna", "contacts": [WILMA]})
        headers = {"Content-Type": "application/x-ndjson"}
        answer = await here.house.call("ops", "POST", f"{BASE}/imports?kind=clients", content=row, headers=headers)
        assert json.loads(answer.text)["reason"] == "erased"
        again = {"id": "c-1", "name": "Meyer and Sons", "owner_id": "anna"}
        assert (await here.house.call("service", "POST", f"{BASE}/clients", json=again)).status_code == 409
        note = {"score": 3, "note": "Meyer is angry"}
        call = {"employee_id": "anna", "kind": "call", "at": here.house.clock().isoformat(), "summary": "Meyer rang"}
        for path, body in (("feedback", note), ("interactions", call)):
            answer = await here.house.call(("employee", "anna"), "POST", f"{BASE}/clients/c-1/{path}", json=body)
            assert (answer.status_code, answer.json()["reason"]) == (409, "erased")
        assert "Meyer" not in await kept(here)


async def test_nobody_notes_whom_an_erased_employee_met() -> None:
    async with town("anna", "ben") as here:
        await meyers(here)
        await here.leave("ben", "anna")
        await here.deliver(EmployeeErased(status="left", **here.people["ben"]))
        call = {"employee_id": "ben", "kind": "call", "at": here.house.clock().isoformat()}
        answer = await here.house.call(("employee", "anna"), "POST", f"{BASE}/clients/c-1/interactions", json=call)
        assert (answer.status_code, answer.json()["reason"]) == (409, "erased")


async def test_what_was_merged_into_a_client_is_erased_with_it() -> None:
    async with town("anna", "ben") as here:
        await meyers(here)
        await met(here, "Wilma Meyer is well")
        moved = {"items": [{"client_id": "c-1", "from_id": "anna", "to_id": "ben"}], "reason": "Meyer asked for ben"}
        await here.house.ok("director", "POST", f"{BASE}/transfers", json=moved)
        await here.client("c-2", "anna", name="Otto")
        await here.house.ok("director", "POST", f"{BASE}/clients/c-1/merge", json={"into_id": "c-2"})
        assert "client.transferred" in await seen(here, client_id="c-1")
        await here.house.ok("director", "POST", f"{BASE}/clients/c-2/erase", json=REASON)
        assert "Meyer" not in await kept(here)
        for client in ("c-1", "c-2"):
            assert await seen(here, client_id=client) <= {"client.erased", "journal.read"}
        (event,) = await here.house.sent("clients", "client.erased")
        assert event.data.merged_ids == ["c-1"]


async def test_a_hold_of_whoever_owned_a_merged_client_stops_the_erasure() -> None:
    async with town("anna", "ben") as here:
        await meyers(here)
        await here.client("c-2", "ben", name="Otto")
        await here.house.ok("director", "POST", f"{BASE}/clients/c-1/merge", json={"into_id": "c-2"})
        hold = {"employee_id": "anna", "reason": "case 7"}
        await here.house.ok(("hr", "hana"), "POST", f"{BASE}/journal/holds", json=hold)
        answer = await here.house.call("director", "POST", f"{BASE}/clients/c-2/erase", json=REASON)
        assert (answer.status_code, answer.json()["reason"]) == (409, "held_by_law")


async def test_an_erased_contact_comes_back_by_no_import_and_no_merge() -> None:
    async with town("anna") as here:

        async def imported(**fields: Any) -> str:
            row = {"id": "c-1", "name": "Meyer", "owner_id": "anna", "contacts": [{**WILMA, "id": "k-1"}], **fields}
            answer = await here.house.call("ops", "POST", f"{BASE}/imports?kind=clients", content=json.dumps(row))
            outcome: str = json.loads(answer.text)["outcome"]
            return outcome

        assert await imported() == "created"
        await here.house.ok(("employee", "anna"), "PATCH", f"{BASE}/clients/c-1", json={"effort": 7})
        await here.house.ok("director", "POST", f"{BASE}/clients/c-1/contacts/k-1/erase", json=REASON)
        assert await imported() == "unchanged"
        assert (await here.house.ok(("employee", "anna"), "GET", f"{BASE}/clients/c-1"))["effort"] == 7
        assert await imported(effort=2) == "updated"
        assert "Wilma" not in await kept(here)
        await here.client("c-2", "anna", name="Otto")
        await here.house.ok("director", "POST", f"{BASE}/clients/c-1/merge", json={"into_id": "c-2"})
        row = json.dumps({"client_id": "c-1", "id": "k-1", **WILMA})
        answer = await here.house.call("ops", "POST", f"{BASE}/imports?kind=contacts", content=row)
        assert json.loads(answer.text)["reason"] == "erased"


async def test_the_file_in_which_a_contact_stood_without_an_id_brings_them_not_back() -> None:
    async with town("anna") as here:
        await meyers(here)
        for erased in (False, True):
            if erased:
                await here.house.ok("director", "POST", f"{BASE}/clients/c-1/contacts/k-1/erase", json=REASON)
            row = json.dumps({"client_id": "c-1", **WILMA})
            answer = await here.house.call("ops", "POST", f"{BASE}/imports?kind=contacts", content=row)
            assert json.loads(answer.text)["outcome"] == "unchanged"
        assert "Wilma" not in await kept(here)


@pytest.mark.parametrize("reason", ["Wilma asked", "asked by wilma@meyer.example", "MEYER", "rang from +49 30 1234"])
async def test_the_reason_of_an_erasure_names_nobody(reason: str) -> None:
    async with town("anna") as here:
        await meyers(here)
        for path in ("clients/c-1/erase", "clients/c-1/contacts/k-1/erase"):
            answer = await here.house.call("director", "POST", f"{BASE}/{path}", json={"reason": reason})
            assert (answer.status_code, answer.json()["reason"]) == (422, "reason_names_them")
            assert "ilma" not in answer.text


async def test_a_client_is_not_erased_while_it_is_handed_over_but_a_contact_is() -> None:
    async with town("anna", "ben") as here:
        await meyers(here)
        await here.resign("anna", "ben")
        answer = await here.house.call("director", "POST", f"{BASE}/clients/c-1/erase", json=REASON)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:holdfast:in_handover")
        await here.house.ok("director", "POST", f"{BASE}/clients/c-1/contacts/k-1/erase", json=REASON)
        assert "Wilma" not in await kept(here)


async def test_a_contact_goes_with_all_notes_that_name_them_and_the_others_stay() -> None:
    async with town("anna") as here:
        await meyers(here)
        for summary in (
            "lunch with WILMA MEYER",
            "mailed wilma@meyer.example",
            "rang +49 30 1234",
            "Karl Otto is well",
        ):
            await met(here, summary)
        done = await here.house.ok("director", "POST", f"{BASE}/clients/c-1/contacts/k-1/erase", json=REASON)
        assert done["what"].items() >= {"contacts": 1, "summaries": 3, "feedback_notes": 0, "reasons": 0}.items()
        summaries = await here.house.rows("clients", "SELECT summary FROM interactions WHERE summary IS NOT NULL")
        assert [row["summary"] for row in summaries] == ["Karl Otto is well"]
        client = await here.house.ok("director", "GET", f"{BASE}/clients/c-1")
        assert [contact["name"] for contact in client["contacts"]] == ["Karl Otto"]
        assert await here.house.ok("director", "POST", f"{BASE}/clients/c-1/contacts/k-1/erase", json=REASON) == done
        answer = await here.house.call("director", "POST", f"{BASE}/clients/c-1/contacts/k-9/erase", json=REASON)
        assert answer.status_code == 404
        assert {"contact.erased"} <= await seen(here, client_id="c-1")


async def test_who_is_frozen_or_may_not_erases_nobody() -> None:
    async with town("anna", "ben") as here:
        await meyers(here)
        await here.resign("ben", "anna")
        for who, status in ((("director", "ben"), 403), (("employee", "anna"), 403), ("hr", 403), ("ops", 403)):
            for path in ("clients/c-1/erase", "clients/c-1/contacts/k-1/erase"):
                assert (await here.house.call(who, "POST", f"{BASE}/{path}", json=REASON)).status_code == status
        assert "Wilma" in await kept(here)


async def test_what_others_wrote_of_their_own_stays_when_an_employee_is_erased() -> None:
    async with town("anna", "ben") as here:
        await meyers(here)
        await here.client("c-2", "ben")
        await met(here, "anna's own words")
        body = {
            "employee_id": "ben",
            "kind": "call",
            "at": here.house.clock().isoformat(),
            "summary": "ben's own words",
        }
        await here.house.ok(("employee", "ben"), "POST", f"{BASE}/clients/c-2/interactions", json=body)
        await here.leave("anna", "ben")
        await here.deliver(EmployeeErased(status="left", employment_ids=["anna/1"], **here.people["anna"]))
        text = await kept(here)
        assert "anna's own words" not in text
        assert "ben's own words" in text
        [done] = await here.house.sent("clients", "erasure.done")
        assert done.data.what["summaries"] == 1
        surrogates = "SELECT id FROM surrogates WHERE kind = 'employee' AND id IN ('anna', 'ben')"
        assert [row["id"] for row in await here.house.rows("clients", surrogates)] == ["ben"]


async def test_reports_of_what_an_erased_employee_used_are_refused_so_that_none_comes_back() -> None:
    async with town("anna", "ben") as here:
        await meyers(here)
        at = here.house.clock().isoformat()
        used = {"employee_id": "anna", "client_id": "c-1", "action": "read", "at": at, "system": "crm"}
        await here.house.ok("service", "POST", f"{BASE}/usage", json={"items": [used]})
        await here.leave("anna", "ben")
        await here.deliver(EmployeeErased(status="left", employment_ids=["anna/1"], **here.people["anna"]))
        again = await here.house.ok("service", "POST", f"{BASE}/usage", json={"items": [used]})
        assert "unknown_employee" in json.dumps(again)
        assert not await here.house.rows("clients", "SELECT 1 FROM usage")
