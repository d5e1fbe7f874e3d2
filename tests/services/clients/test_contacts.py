"""Contacts of a client, each with an id."""

import asyncio
from typing import Any

from tests.services.clients.test_passes import grant
from tests.services.clients.town import BASE, Town, town

ERIKA = {"name": "Erika", "email": "erika@example.org", "phone": "+49 1"}
MAX = {"name": "Max", "email": None, "phone": None}
ANNA = ("employee", "anna")


async def contacts(here: Town, client: str = "c-1") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await here.house.ok(ANNA, "GET", f"{BASE}/clients/{client}/contacts"))["items"]
    return found


async def test_every_contact_has_an_id_given_or_made() -> None:
    async with town("anna") as here:
        made = await here.client("c-1", "anna", contacts=[{"id": "k-1", **ERIKA}, MAX])
        assert made["contacts"][0] == {"id": "k-1", **ERIKA}
        assert len(made["contacts"][1]["id"]) == 36
        assert {one["id"]: one for one in await contacts(here)} == {one["id"]: one for one in made["contacts"]}


async def test_registering_again_gives_the_same_answer_although_the_ids_are_made() -> None:
    async with town("anna") as here:
        first = await here.client("c-1", "anna", contacts=[ERIKA, MAX])
        assert await here.client("c-1", "anna", contacts=[ERIKA, MAX]) == first


async def test_contacts_that_say_the_same_keep_their_ids_when_they_are_sent_again() -> None:
    async with town("anna") as here:
        before = (await here.client("c-1", "anna", contacts=[ERIKA, MAX]))["contacts"]
        again = {"contacts": [{"name": "New"}, MAX, ERIKA]}
        after = (await here.house.ok(ANNA, "PATCH", f"{BASE}/clients/c-1", json=again))["contacts"]
        assert [after[2], after[1]] == before
        assert after[0]["id"] not in {one["id"] for one in before}


async def test_an_id_stands_for_one_contact_of_a_client() -> None:
    async with town("anna") as here:
        body = {"name": "A", "owner_id": "anna", "contacts": [{"id": "k", **ERIKA}, {"id": "k", **MAX}]}
        assert (await here.house.call("service", "POST", f"{BASE}/clients", json=body)).status_code == 422
        for client in ("c-1", "c-2"):
            await here.client(client, "anna", contacts=[{"id": "k", **ERIKA}])


async def test_contacts_are_added_changed_and_removed_one_by_one() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        path = f"{BASE}/clients/c-1/contacts"
        for _ in range(2):
            added = await here.house.call(ANNA, "POST", path, json={"id": "k-1", **ERIKA})
            assert (added.status_code, added.headers["Location"]) == (201, f"{path}/k-1")
        assert (await here.house.call(ANNA, "POST", path, json={"id": "k-1", **MAX})).status_code == 409
        tag = (await here.house.call(ANNA, "GET", f"{BASE}/clients/c-1")).headers["ETag"]
        changed = await here.house.call(ANNA, "PATCH", f"{path}/k-1", json={"phone": "2"}, headers={"If-Match": tag})
        assert changed.json() == {"id": "k-1", **ERIKA, "phone": "2"}
        late = await here.house.call(ANNA, "PATCH", f"{path}/k-1", json={"phone": "3"}, headers={"If-Match": tag})
        assert late.status_code == 412
        assert (await here.house.call(ANNA, "DELETE", f"{path}/k-1")).status_code == 204
        assert (await here.house.call(ANNA, "DELETE", f"{path}/k-1")).status_code == 404
        assert await contacts(here) == []


async def test_only_who_may_edit_a_client_changes_its_contacts() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna", contacts=[{"id": "k-1", **ERIKA}], team={"delivery": "ben"})
        path = f"{BASE}/clients/c-1/contacts"
        for who, status in ((("employee", "ben"), 403), ("director", 403), (("employee", "x"), 404), ("service", 200)):
            answer = await here.house.call(who, "PATCH", f"{path}/k-1", json={"phone": "2"})
            assert answer.status_code == status, who
        await here.resign("anna")
        assert (await here.house.call(ANNA, "DELETE", f"{path}/k-1")).status_code == 403


async def test_a_client_has_at_most_a_hundred_contacts_also_when_many_add_at_once() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna", contacts=[{"name": f"C {number}"} for number in range(97)])
        calls = [
            here.house.call(ANNA, "POST", f"{BASE}/clients/c-1/contacts", json={"name": f"New {number}"})
            for number in range(6)
        ]
        answers = await asyncio.gather(*calls)
        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 3
        listed = await here.house.ok(ANNA, "GET", f"{BASE}/clients/c-1/contacts?limit=60")
        rest = await here.house.ok(ANNA, "GET", f"{BASE}/clients/c-1/contacts?cursor={listed['next_cursor']}")
        assert len({one["id"] for one in listed["items"] + rest["items"]}) == 100


async def test_a_leaver_adds_a_contact_through_a_work_pass_and_without_one_the_refusal_is_journaled() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.resign("anna", "ben")
        path, body = f"{BASE}/clients/c-1/contacts", {"name": "Wilma"}
        answer = await here.house.call(("employee", "anna"), "POST", path, json=body)
        assert (answer.status_code, answer.json()["reason"]) == (403, "frozen")
        (last,) = (await here.house.ok("auditor", "GET", f"{BASE}/journal", params={"limit": 1}))["items"]
        assert (last["employee_id"], last["action"], last["reason"]) == ("anna", "edit", "frozen")
        assert (await grant(here, purpose="work")).status_code == 201
        await here.house.ok(("employee", "anna"), "POST", path, json=body)
