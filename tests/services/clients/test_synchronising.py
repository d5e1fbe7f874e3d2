"""Made for daily synchronisation: a client is put as another system has it, alone or in a batch."""

import asyncio
from typing import Any

import pytest

from tests.services.clients.town import BASE, Town, town

ANNA = ("employee", "anna")
WHOLE = {
    "name": "Müller",
    "owner_id": "anna",
    "value": "10.00",
    "effort": 2.5,
    "regions": ["north"],
    "languages": ["de"],
    "contacts": [{"name": "Erika", "email": "erika@example.org"}],
    "team": {"delivery": "ben"},
    "status": "prospect",
    "expected_value": "70",
    "external_ids": {"erp": "7"},
}


async def put(here: Town, ref: str, who: Any = "service", headers: Any = (), **body: Any) -> Any:
    return await here.house.call(who, "PUT", f"{BASE}/clients/{ref}", json={"name": "Müller", **body}, headers=headers)


async def batch(here: Town, *items: Any, who: Any = "service") -> list[tuple[str, str | None]]:
    answer = await here.house.ok(who, "POST", f"{BASE}/clients/batch", json={"items": items})
    outcomes = [item["outcome"] for item in answer["items"]]
    assert all(answer[word] == outcomes.count(word) for word in ("created", "updated", "unchanged", "refused"))
    return [(item["outcome"], item["reason"]) for item in answer["items"]]


async def changes(here: Town) -> int:
    return len(await here.house.sent("clients", "client.changed"))


async def test_put_creates_a_client_and_the_same_again_changes_nothing() -> None:
    async with town("anna", "ben") as here:
        made = await put(here, "c-1", **WHOLE)
        assert (made.status_code, made.headers["Location"]) == (201, f"{BASE}/clients/c-1")
        again = await put(here, "c-1", **WHOLE)
        assert (again.status_code, again.json()) == (200, made.json())
        assert again.headers["ETag"] == made.headers["ETag"]
        assert await changes(here) == 0
        assert len(await here.house.sent("clients", "client.registered")) == 1


async def test_what_is_left_out_of_the_profile_returns_to_its_default_but_owner_team_and_ids_stay() -> None:
    async with town("anna", "ben") as here:
        made = (await put(here, "c-1", **WHOLE)).json()
        replaced = (await put(here, "c-1")).json()
        assert replaced == {
            **made,
            "value": "0.00",
            "expected_value": None,
            "status": "active",
            "effort": 1,
            "regions": [],
            "languages": [],
            "contacts": [],
            "version": made["version"] + 1,
        }
        assert await changes(here) == 1


async def test_a_team_that_is_given_replaces_the_whole_one() -> None:
    async with town("anna", "ben", "carl") as here:
        await put(here, "c-1", owner_id="anna", team={"delivery": "ben", "engineering": "ben"})
        changed = await put(here, "c-1", team={"engineering": "carl", "legal": "ben"})
        assert changed.json()["team"] == {"engineering": "carl", "legal": "ben"}
        assert (await put(here, "c-1", team={})).json()["team"] == {}


async def test_contacts_that_say_the_same_keep_their_ids() -> None:
    async with town("anna", "ben") as here:
        (before,) = (await put(here, "c-1", **WHOLE)).json()["contacts"]
        new = {"name": "New"}
        after = (await put(here, "c-1", **{**WHOLE, "contacts": [new, *WHOLE["contacts"]]})).json()  # type: ignore[misc]
        assert after["contacts"][1] == before


async def test_the_owner_changes_by_transfer_only() -> None:
    async with town("anna", "ben", "carl") as here:
        await put(here, "c-1", owner_id="anna")
        refused = await put(here, "c-1", owner_id="ben", value="9")
        assert (refused.status_code, refused.json()["reason"]) == (409, "ownership_by_transfer")
        assert (await put(here, "c-1", owner_id="anna", value="9")).status_code == 200
        await here.resign("anna", "carl")
        assert (await put(here, "c-1", owner_id="anna")).status_code == 200
        assert (await put(here, "c-1", owner_id="carl")).status_code == 200
        assert await here.owner("c-1") == "carl"


@pytest.mark.parametrize(
    ("ref", "body", "status", "reason"),
    [
        ("c-2", {}, 422, "owner_missing"),
        ("c-2", {"owner_id": "nobody"}, 409, "unknown_owner"),
        ("c-2", {"owner_id": "left"}, 409, "not_employed"),
        ("c-2", {"owner_id": "gone"}, 409, "frozen"),
        ("c-2", {"owner_id": "anna", "team": {"delivery": "nobody"}}, 422, "unknown_employee"),
        ("c-1", {"team": {"delivery": "left"}}, 409, "not_employed"),
        ("c-2", {"owner_id": "anna", "external_ids": {"crm": "1"}}, 409, "external_id_taken"),
        ("c-0", {"external_ids": {"crm": "1"}}, 409, "external_id_taken"),
        ("c-1", {"contacts": [{"id": "k", "name": "A"}] * 2}, 422, "invalid"),
    ],
)
async def test_a_refused_put_leaves_everything_as_it_was(ref: str, body: Any, status: int, reason: str) -> None:
    async with town("anna", "left", "gone") as here:
        await here.leave("left")
        await here.resign("gone")
        await put(here, "c-0", owner_id="anna", external_ids={"erp": "1"})
        await put(here, "c-1", owner_id="anna", external_ids={"crm": "1"})
        before = await here.house.rows("clients", "SELECT * FROM profiles JOIN clients USING (client_id) ORDER BY 1")
        ids = await here.house.rows("clients", "SELECT * FROM external_ids ORDER BY 1, 2")
        answer = await put(here, ref, **body)
        assert (answer.status_code, answer.json()["reason"]) == (status, reason)
        after = await here.house.rows("clients", "SELECT * FROM profiles JOIN clients USING (client_id) ORDER BY 1")
        assert (after, await here.house.rows("clients", "SELECT * FROM external_ids ORDER BY 1, 2")) == (before, ids)


async def test_a_put_keeps_to_the_version_and_to_whether_there_is_one() -> None:
    async with town("anna") as here:
        assert (await put(here, "c-1", headers={"If-Match": '"1"'}, owner_id="anna")).status_code == 412
        made = await put(here, "c-1", headers={"If-None-Match": "*"}, owner_id="anna")
        assert made.status_code == 201
        assert (await put(here, "c-1", headers={"If-None-Match": "*"}, value="3")).status_code == 412
        tag = made.headers["ETag"]
        assert (await put(here, "c-1", headers={"If-Match": tag}, value="3")).status_code == 200
        late = await put(here, "c-1", headers={"If-Match": tag}, value="4")
        assert (late.status_code, late.json()["reason"]) == (412, "stale")


async def test_a_client_may_be_put_under_its_id_in_another_system() -> None:
    async with town("anna") as here:
        made = await put(here, "crm~1", owner_id="anna")
        assert (made.status_code, made.json()["external_ids"]) == (201, {"crm": "1"})
        again = await put(here, "crm~1", value="3")
        assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])


async def test_who_may_register_may_put_and_replaces_only_what_they_may_edit() -> None:
    async with town("anna", "ben") as here:
        assert (await put(here, "c-1", ANNA, owner_id="anna")).status_code == 201
        assert (await put(here, "c-2", ANNA, owner_id="ben")).status_code == 403
        assert (await put(here, "c-1", ANNA, value="2")).status_code == 200
        assert (await put(here, "c-1", "director", value="3")).status_code == 403
        assert (await put(here, "c-1", ("employee", "ben"), value="3")).status_code == 409
        assert (await put(here, "c-1", "hr", value="3")).status_code == 403
        await here.resign("anna", "ben")
        assert (await put(here, "c-1", ANNA, value="4")).status_code == 403


async def test_a_batch_does_the_good_ones_and_names_the_others_in_the_order_given() -> None:
    async with town("anna", "ben") as here:
        await put(here, "c-0", owner_id="anna", external_ids={"crm": "0"})
        items = [
            {"id": "c-1", "name": "A", "owner_id": "anna"},
            {"id": "c-0", "name": "B"},
            {"id": "c-2", "name": "C"},
            {"id": "c-1", "name": "D"},
            {"id": "c-3", "name": "E", "owner_id": "ben", "colour": "red"},
            {"id": "c-4", "name": "F", "owner_id": "anna", "external_ids": {"crm": "0"}},
            {"id": "crm~0", "name": "G"},
            "nonsense",
            {"id": "crm~5", "name": "H", "owner_id": "ben", "external_ids": {"erp": "5"}},
            {"id": "c-6", "name": "I", "owner_id": "ben", "external_ids": {"erp": "5"}},
            {"id": "c-0", "name": "J", "owner_id": "ben"},
        ]
        expected = [
            ("created", None),
            ("updated", None),
            ("refused", "owner_missing"),
            ("refused", "repeated"),
            ("refused", "invalid: unknown fields"),
            ("refused", "external_id_taken"),
            ("refused", "repeated"),
            ("refused", "invalid: unknown fields"),
            ("created", None),
            ("refused", "external_id_taken"),
            ("refused", "repeated"),
        ]
        assert await batch(here, *items) == expected
        listed = (await here.house.ok("service", "GET", f"{BASE}/clients"))["items"]
        assert {client["name"] for client in listed} == {"A", "B", "H"}
        again = [("unchanged" if word != "refused" else word, reason) for word, reason in expected]
        assert await batch(here, *items) == again


async def test_a_batch_of_a_thousand_is_one_event_of_what_is_new_and_a_few_statements() -> None:
    async with town("anna", "ben") as here:
        items = [
            {
                "id": f"c-{number}",
                "name": "A",
                "owner_id": "anna",
                "team": {"delivery": "ben"},
                "external_ids": {"crm": f"{number}"},
            }
            for number in range(1_000)
        ]
        assert set(await batch(here, *items)) == {("created", None)}
        (event,) = await here.house.sent("clients", "client.registered")
        assert len(event.data.items) == 1_000
        assert set(await batch(here, *items)) == {("unchanged", None)}
        for item in items[:3]:
            item["value"] = "5.00"
        assert await batch(here, *items) == [("updated", None)] * 3 + [("unchanged", None)] * 997
        assert await changes(here) == 3
        assert await here.house.scalar("clients", "SELECT clients FROM portfolios WHERE owner_id = 'anna'") == 1_000


async def test_more_than_a_thousand_or_no_list_at_all_is_refused_as_a_whole() -> None:
    async with town("anna") as here:
        for items, status in ([{}] * 1_001, 422), ("x", 422), ([], 200):
            answer = await here.house.call("service", "POST", f"{BASE}/clients/batch", json={"items": items})
            assert answer.status_code == status


async def test_a_batch_is_within_what_the_caller_may_do() -> None:
    async with town("anna", "ben") as here:
        await put(here, "c-0", owner_id="ben")
        items = [
            {"id": "c-0", "name": "A"},
            {"id": "c-1", "name": "B", "owner_id": "anna"},
            {"id": "c-2", "name": "C", "owner_id": "ben"},
        ]
        assert await batch(here, *items, who=ANNA) == [
            ("refused", "exists"),
            ("created", None),
            ("refused", "not_yours"),
        ]
        entries = (await here.house.ok("auditor", "GET", f"{BASE}/journal?client_id=c-0"))["items"]
        assert entries[0]["details"] == {"decisions": [["edit", "no_relation"]]}


async def test_the_same_clients_put_at_the_same_time_are_made_once() -> None:
    async with town("anna", "ben") as here:
        items = [
            {"id": f"c-{number}", "name": "A", "owner_id": "anna", "external_ids": {"crm": f"{number}"}}
            for number in range(50)
        ]
        results = await asyncio.gather(*(batch(here, *items[step:], *items[:step]) for step in (0, 10, 20, 30)))
        created = sum(outcome == "created" for result in results for outcome, _ in result)
        assert created == 50
        assert {outcome for result in results for outcome, _ in result} <= {"created", "unchanged", "refused"}
        assert set(await batch(here, *items)) == {("unchanged", None)}
        assert await here.house.scalar("clients", "SELECT count(*) FROM external_ids") == 50


async def test_an_idempotency_key_gives_the_answer_of_before() -> None:
    async with town("anna") as here:
        body = {"items": [{"id": "c-1", "name": "A", "owner_id": "anna"}, "x"]}
        answers = [
            await here.house.ok("service", "POST", f"{BASE}/clients/batch", json=body, headers={"Idempotency-Key": "k"})
            for _ in range(2)
        ]
        assert answers[0] == answers[1]
        assert answers[0]["created"] == 1


async def test_a_refusal_stands_in_the_journal_as_what_it_is() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        assert (await put(here, "c-1", ("employee", "ben"))).status_code == 409
        assert await batch(here, {"id": "c-1", "name": "C"}, who=("employee", "ben")) == [("refused", "exists")]
        entries = (await here.house.ok("auditor", "GET", f"{BASE}/journal"))["items"]
        edits = [entry for entry in entries if entry["kind"] == "client.accessed"]
        assert [(entry["allowed"], entry["reason"]) for entry in edits] == [(False, "no_relation")] * 2


@pytest.mark.parametrize("other", ["2", None])
async def test_under_the_id_of_another_system_the_same_put_always_means_the_same_client(other: Any) -> None:
    async with town("anna") as here:
        for _ in range(2):
            answer = await put(here, "crm~1", owner_id="anna", external_ids={"crm": other})
            assert (answer.status_code, answer.json()["reason"]) == (422, "contradicting_id")
        assert await batch(here, {"id": "crm~1", "name": "C", "owner_id": "anna", "external_ids": {"crm": other}}) == [
            ("refused", "contradicting_id")
        ]
        assert (await put(here, "crm~1", owner_id="anna", external_ids={"crm": "1", "erp": "7"})).status_code == 201
