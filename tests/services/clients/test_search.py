"""Clients are found by name, mail and phone, always within what the caller may see; and calls reach somebody who may talk."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.clients.register.rules import build_phone_queries, build_search_query
from tests.services.clients.test_policies import acknowledge, publish
from tests.services.clients.town import BASE, Town, town


async def found(here: Town, q: str, who: Any = "service", **more: str) -> list[str]:
    answer = await here.house.ok(who, "GET", f"{BASE}/clients", params={"q": q, **more})
    return [client["id"] for client in answer["items"]]


async def register(here: Town) -> None:
    contact = {"name": "Zoë Ångström", "email": "Zoe.A@Post.Example.org", "phone": "+49 (0)30 901-820"}
    await here.client("c-1", "anna", name="Bäckerei Müller & Söhne", contacts=[contact])
    await here.client("c-2", "ben", name="Müllerei Nord", contacts=[{"name": "Max", "phone": "030/901 820 77"}])


@pytest.mark.parametrize(
    ("q", "ids"),
    [
        ("müller", ["c-1", "c-2"]),
        ("MULLER sohne", ["c-1"]),
        ("mülle nord", ["c-2"]),
        ("angstrom", ["c-1"]),
        ("zoe.a@post.example.org", ["c-1"]),
        ("zoe.a@", ["c-1"]),
        ("example", ["c-1"]),
        ("030 901820", ["c-1", "c-2"]),
        ("+4930901820", ["c-1"]),
        ("90182077", ["c-2"]),
        ("ller", []),
        ("nobody", []),
    ],
)
async def test_clients_are_found_by_name_mail_and_phone(q: str, ids: list[str]) -> None:
    async with town("anna", "ben") as here:
        await register(here)
        assert await found(here, q) == ids


async def test_a_number_in_a_name_is_found_too() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna", name="Studio 2000")
        await here.client("c-2", "anna", name="4711", contacts=[{"name": "A", "phone": "2000 471 100"}])
        assert await found(here, "2000") == ["c-1", "c-2"]
        assert await found(here, "4711") == ["c-2"]


@pytest.mark.parametrize("q", ["ΕΚΔΟΣΕΙΣ", "Εκδόσεις", "εκδοσεισ", "Εκδόσ"])
async def test_a_word_is_found_whichever_way_its_letters_end(q: str) -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna", name="ΕΚΔΟΣΕΙΣ")
        await here.client("c-2", "anna", name="Εκδόσεις")
        assert await found(here, q) == ["c-1", "c-2"]


async def test_a_word_longer_than_the_database_keeps_is_found_all_the_same() -> None:
    long = "한" * 300
    async with town("anna") as here:
        await here.client("c-1", "anna", name=long, contacts=[{"name": "A", "email": f"{'한' * 280}@example.org"}])
        for q in (long, "한" * 200, f"{'한' * 280}@example.org"):
            assert await found(here, q) == ["c-1"]


async def test_nobody_finds_what_they_may_not_see() -> None:
    async with town("anna", "ben") as here:
        await register(here)
        assert await found(here, "müller", ("employee", "anna")) == ["c-1"]
        assert await found(here, "müller", owner_id="ben") == ["c-2"]
        await here.resign("anna", "ben")
        assert (await here.house.call(("employee", "anna"), "GET", f"{BASE}/clients?q=muller")).status_code == 403
        assert await found(here, "müller", ("employee", "ben")) == ["c-1", "c-2"]


async def test_what_changes_is_found_as_it_is_now() -> None:
    async with town("anna", "ben") as here:
        await register(here)
        change = {"name": "Konditorei", "contacts": []}
        await here.house.ok(("employee", "anna"), "PATCH", f"{BASE}/clients/c-1", json=change)
        assert await found(here, "konditor") == ["c-1"]
        assert await found(here, "söhne") == await found(here, "zoe.a@post.example.org") == []


async def test_what_cannot_be_looked_for_is_refused_and_what_was_looked_for_is_nowhere_in_the_journal() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna", name="Secret")
        for q, status in (("&&", 422), ("", 422), ("x" * 301, 422), ("' | '", 422)):
            assert (await here.house.call("service", "GET", f"{BASE}/clients", params={"q": q})).status_code == status
        assert await found(here, "secret") == ["c-1"]
        journal = await here.house.call("auditor", "GET", f"{BASE}/journal")
        assert "ecret" not in journal.text


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
PHONES = st.text(st.sampled_from("0123456789 +()/-"), min_size=1, max_size=24)


async def test_the_database_finds_what_the_rules_look_for() -> None:
    """Every name and number finds the client that has it, whatever they are written with."""
    async with town() as here:
        asked: list[tuple[str, str, str, str]] = []

        @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
        @given(NAMES, PHONES)
        def gather(name: str, phone: str) -> None:
            asked.extend((name, phone, *query) for query in [build_search_query(name)] if query is not None)
            asked.extend((name, phone, query, "") for query in build_phone_queries(phone) or ())
            number = build_search_query(phone)
            if number is not None and not number[1]:
                asked.append((name, phone, *number))

        gather()
        sql = """
            SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS a (name, phone, query, words)
            WHERE NOT search_terms(name, jsonb_build_array(jsonb_build_object('name', name, 'phone', phone)))
                  @@ (CAST(query AS tsquery) && words_query(words)) AND (query <> '' OR numnode(words_query(words)) > 0)
        """
        async with here.house.runtime("clients").database.connect() as connection:
            missed = await connection.fetch(sql, *map(list, zip(*asked, strict=True)))
        assert [tuple(row) for row in missed] == []


# -- calls -------------------------------------------------------------------------------------------------------------


async def rung(here: Town, phone: str, **more: str) -> tuple[str | None, list[str], str]:
    answer = await here.house.ok("service", "GET", f"{BASE}/clients/route", params={"phone": phone, **more})
    return answer["client_id"], answer["ring"], answer["reason"]


async def company(here: Town) -> None:
    await here.department("north", head="nora")
    await here.hire("nora", "anna", "ben", "dora", department_id="north")
    contact = {"name": "Zoë", "phone": "+49 30 901820"}
    await here.client("c-1", "anna", contacts=[contact], team={"delivery": "ben"})


async def test_a_call_rings_the_owner_then_the_team_then_the_head() -> None:
    async with town() as here:
        await company(here)
        for phone in ("+4930901820", "0049 30 901820", "030 901820"):
            assert await rung(here, phone) == ("c-1", ["anna", "ben", "nora"], "owner")


async def test_who_is_asked_for_by_function_is_rung_first() -> None:
    async with town() as here:
        await company(here)
        assert await rung(here, "+4930901820", function="delivery") == ("c-1", ["ben", "anna", "nora"], "function")
        assert await rung(here, "+4930901820", function="engineering") == ("c-1", ["anna", "ben", "nora"], "owner")


async def test_frozen_and_absent_people_are_passed_over() -> None:
    async with town() as here:
        await company(here)
        await here.change("anna", deputy_id="dora")
        await here.away("anna")
        assert await rung(here, "+4930901820") == ("c-1", ["dora", "ben", "nora"], "deputy")
        await here.resign("ben", "dora")
        assert await rung(here, "+4930901820", function="delivery") == ("c-1", ["dora", "nora"], "deputy")
        await here.resign("anna", "dora")
        assert await rung(here, "+4930901820") == ("c-1", ["dora", "nora"], "caretaker")


async def test_the_last_resort_is_rung_when_nobody_else_is_left() -> None:
    async with town("anna", "zara", last_resort="zara") as here:
        await here.client("c-1", "anna", contacts=[{"name": "Z", "phone": "901 82 07"}])
        assert await rung(here, "9018207") == ("c-1", ["anna"], "owner")
        await here.away("anna")
        assert await rung(here, "9018207") == ("c-1", ["zara"], "last_resort")
        await here.away("zara")
        assert await rung(here, "9018207") == ("c-1", [], "nobody")


async def test_the_exact_number_comes_before_one_that_only_ends_alike() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna", value="900", contacts=[{"name": "A", "phone": "+43 30 901820"}])
        await here.client("c-2", "ben", value="1", contacts=[{"name": "B", "phone": "+49 30 901820"}])
        assert (await rung(here, "+4930901820"))[0] == "c-2"
        assert (await rung(here, "030 901820"))[0] == "c-1"


async def test_a_number_that_is_nobodys_rings_nobody_and_a_wrong_one_is_refused() -> None:
    async with town("anna") as here:
        assert await rung(here, "+49123456789") == (None, [], "unknown_client")
        for path in ("route", "route?phone=112", "route?phone="):
            assert (await here.house.call("service", "GET", f"{BASE}/clients/{path}")).status_code == 422


async def test_every_routed_call_is_in_the_journal() -> None:
    async with town() as here:
        await company(here)
        await rung(here, "+4930901820")
        entry = (await here.house.ok("auditor", "GET", f"{BASE}/journal"))["items"][0]
        assert (entry["kind"], entry["client_id"], entry["action"], entry["reason"]) == (
            "client.routed",
            "c-1",
            "contact",
            "owner",
        )
        assert entry["employees"] == ["anna", "ben", "nora"]
        await rung(here, "+4930901820", function="delivery")
        entry = (await here.house.ok("auditor", "GET", f"{BASE}/journal"))["items"][0]
        assert (entry["allowed"], entry["reason"], entry["details"]) == (True, "team", {"ring": "function"})


async def test_who_has_a_policy_to_acknowledge_is_not_rung_and_who_does_a_stage_is() -> None:
    async with town() as here:
        await company(here)
        await here.hire("carl", department_id="north")
        async with here.house.runtime("clients").database.connect() as connection:
            await connection.execute(
                "INSERT INTO open_stages (order_id, stage, client_id, employee_id) VALUES ('o', 's', 'c-1', 'carl')"
            )
        assert await rung(here, "+4930901820") == ("c-1", ["anna", "ben", "carl", "nora"], "owner")
        await publish(here, grace_days=0)
        for name in ("ben", "carl"):
            await acknowledge(here, name)
        assert await rung(here, "+4930901820") == ("c-1", ["ben", "carl"], "team")


async def test_of_two_with_one_number_the_one_that_buys_is_rung() -> None:
    async with town("anna", "ben") as here:
        contacts = [{"name": "A", "phone": "+49 30 901820"}]
        for number, status in enumerate(("closed", "prospect", "active")):
            await here.client(f"c-{number}", "anna", value=str(900 - number), status=status, contacts=contacts)
            assert (await rung(here, "+4930901820"))[0] == f"c-{number}"
