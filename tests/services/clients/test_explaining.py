"""Why a decision is what it is, and which system asked for it."""

from datetime import timedelta
from typing import Any

import pytest

from services.clients.access.store.checks import REACH_EVERYBODY, AccessQuestion
from services.clients.permissions.rules import ACTIONS
from tests.services.clients.test_alike import PEOPLE, build, made_up
from tests.services.clients.town import BASE, Town, town
from tests.support.access_oracle import AccessFacts, decide_access, explain_decision
from tests.support.long import seeds

RULES = ["unknown", "employment", "freeze", "policy", "relation", "limit"]


def question(employee: str, action: str = "read", client: str = "c-1") -> dict[str, str]:
    return {"employee_id": employee, "client_id": client, "action": action}


async def explained(here: Town, who: Any, body: dict[str, str]) -> dict[str, Any]:
    answer: dict[str, Any] = await here.house.ok(who, "POST", f"{BASE}/access/check?explain=true", json=body)
    return answer


async def test_an_explained_decision_says_what_each_rule_said_in_the_order_of_the_decision() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna", team={"delivery": "ben"})
        answer = await explained(here, "service", question("ben", "edit"))
        assert (answer["allowed"], answer["reason"]) == (False, "action_not_allowed")
        assert [rule["rule"] for rule in answer["rules"]] == RULES
        assert [rule["outcome"] for rule in answer["rules"]] == ["passed"] * 4 + ["refused", "not_asked"]
        assert answer["rules"][4]["allows"] == {"team": ["read", "list", "contact"]}


async def test_of_somebody_frozen_the_passes_are_told_and_relations_are_not_asked_for() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.resign("anna", "ben")
        body = {"employee_id": "anna", "client_id": "c-1", "purpose": "introduction"}
        hours = {
            "from": here.house.clock().isoformat(),
            "until": (here.house.clock() + timedelta(hours=20)).isoformat(),
        }
        await here.house.ok("hr", "POST", f"{BASE}/access/passes", json={**body, **hours})
        answer = await explained(here, "service", question("anna"))
        assert answer["rules"][2] == {
            "rule": "freeze",
            "outcome": "allowed",
            "reason": "pass",
            "allows": {"introduction": ["read", "contact"]},
        }
        assert [rule["outcome"] for rule in answer["rules"][3:]] == ["not_asked"] * 3


@pytest.mark.parametrize("role", ["auditor", "ops"])
async def test_auditors_and_operators_may_ask_about_anybody_but_only_for_the_explanation(role: str) -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        for path, body in (("check", question("anna")), ("checks", {"checks": [question("anna")]})):
            assert (await here.house.call(role, "POST", f"{BASE}/access/{path}", json=body)).status_code == 403
            answer = await here.house.call(role, "POST", f"{BASE}/access/{path}?explain=true", json=body)
            assert answer.status_code == 200
            assert "anna" not in answer.text
            assert '"c-1"' not in answer.text
        kinds = await here.house.rows("clients", "SELECT kind FROM journal_entries WHERE kind LIKE 'access.%'")
        assert {row["kind"] for row in kinds} == {"access.explained"}


async def test_who_may_not_ask_gets_no_explanation_either() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        for who in (("employee", "ben"), "hr"):
            for path, body in (("check", question("anna")), ("checks", {"checks": [question("anna")]})):
                answer = await here.house.call(who, "POST", f"{BASE}/access/{path}?explain=true", json=body)
                assert answer.status_code == 403
        frozen = {"employee_id": "ben", "reason": "laptop stolen"}
        await here.house.ok("hr", "POST", f"{BASE}/access/freezes", json=frozen)
        answer = await here.house.call(
            ("auditor", "ben"), "POST", f"{BASE}/access/check?explain=true", json=question("anna")
        )
        assert answer.status_code == 403


@pytest.mark.parametrize("query", ["explain=maybe", "explane=true", "explain=true&more=1"])
async def test_a_wrong_parameter_of_a_check_is_refused(query: str) -> None:
    async with town("anna") as here:
        for path, body in (("check", question("anna")), ("checks", {"checks": [question("anna")]})):
            answer = await here.house.call("service", "POST", f"{BASE}/access/{path}?{query}", json=body)
            assert answer.status_code == 422


@pytest.mark.parametrize("seed", seeds(3, 30))
async def test_the_rules_that_are_told_lead_to_the_reason_in_every_random_world(seed: int) -> None:
    async with town() as here:
        now = here.house.clock().astimezone(here.house.clock.zone)
        world = made_up(seed, now)
        await build(here, world, now)
        batcher = here.house.runtime("clients").state["check_batcher"]
        asked = [
            AccessQuestion(employee, client, action, "crm", REACH_EVERYBODY)
            for employee in [*PEOPLE, "nobody"]
            for client in [*world["clients"], "none"]
            for action in ACTIONS
        ]
        plain = await batcher.check_all(asked)
        told = await batcher.explain(asked, counting=True)
        for before, answer in zip(plain, told, strict=True):
            assert answer.reason == before.reason
            assert answer.reason == [rule.reason for rule in answer.rules if rule.reason][-1]


def test_the_rules_are_tried_in_the_order_of_the_decision_and_the_first_refusal_ends_it() -> None:
    everything = AccessFacts("left", True, False, frozenset({"owner"}), frozenset(), policy=True, over_limit=True)
    assert [tried.rule for tried in explain_decision(everything, "export")] == RULES
    steps = [
        (everything, "unknown_client"),
        (AccessFacts("left", True, True, everything.relations, policy=True, over_limit=True), "not_employed"),
        (AccessFacts("active", True, True, everything.relations, policy=True, over_limit=True), "frozen"),
        (
            AccessFacts("active", False, True, everything.relations, policy=True, over_limit=True),
            "policy_not_acknowledged",
        ),
        (AccessFacts("active", False, True, frozenset({"team"}), over_limit=True), "action_not_allowed"),
        (AccessFacts("active", False, True, frozenset(), over_limit=True), "no_relation"),
        (AccessFacts("active", False, True, everything.relations, over_limit=True), "limit"),
        (AccessFacts("active", False, True, everything.relations), "owner"),
    ]
    for facts, reason in steps:
        assert decide_access(facts, "export") == reason
        tried = explain_decision(facts, "export")
        assert [one.reason for one in tried if one.reason][-1] == reason
    assert decide_access(AccessFacts("active", False, True, everything.relations, over_limit=True), "read") == "owner"


# -- which system asked ------------------------------------------------------------------------------------------------


async def systems(here: Town) -> list[str | None]:
    rows = await here.house.rows(
        "clients", "SELECT system FROM journal_entries WHERE kind <> 'client.registered' ORDER BY id"
    )
    return [row["system"] for row in rows]


async def test_each_decision_keeps_which_system_asked() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        keys = here.house.runtime("clients").keys
        tokens = [
            keys.issue_token("anna", ["employee"], 60, "crm"),
            keys.issue_token("telephony", ["service"], 60),
            keys.issue_token("anna", ["employee"], 60),
        ]
        for token in tokens:
            headers = {"Authorization": f"Bearer {token}"}
            for action in ("read", "export"):
                body = question("anna", action)
                await here.house.call(None, "POST", f"{BASE}/access/check", json=body, headers=headers)
                await here.house.call(None, "POST", f"{BASE}/access/checks", json={"checks": [body]}, headers=headers)
            await here.house.call(None, "POST", f"{BASE}/access/check?explain=true", json=body, headers=headers)
            await here.house.call(None, "GET", f"{BASE}/clients/c-1", headers=headers)
            await here.house.call(None, "GET", f"{BASE}/clients", headers=headers)
        assert await systems(here) == ["crm"] * 7 + ["telephony"] * 7 + [None] * 7


async def test_checks_of_several_systems_that_share_a_statement_are_kept_apart() -> None:
    import asyncio

    async with town("anna") as here:
        await here.client("c-1", "anna")
        batcher = here.house.runtime("clients").state["check_batcher"]
        asked = [
            AccessQuestion("anna", "c-1", "read", "svc", REACH_EVERYBODY, f"s-{number % 3}") for number in range(30)
        ]
        await asyncio.gather(*(batcher.check(one) for one in asked))
        assert sorted(await systems(here)) == sorted(one.system for one in asked)  # type: ignore[type-var]
