"""Who may do what with a client: every cell of the table, and the order of a decision."""

import itertools
from typing import Any

import pytest

from services.clients.access.rules import apply_roles_to_decision
from services.clients.permissions.rules import ACTIONS, ALLOWING_REASONS, PASS_ACTIONS, RELATION_ACTIONS
from tests.support.access_oracle import AccessFacts, PersonFacts, decide_access, find_relations

TABLE = {  # as protocols.md has it: read, list, export, contact, edit
    "owner": (True, True, True, True, True),
    "caretaker": (True, True, True, True, True),
    "team": (True, True, False, True, False),
    "head": (True, True, True, True, False),
    "deputy": (True, True, False, True, True),
}
PASS_TABLE = {
    "introduction": (True, False, False, True, False),
    "work": (True, False, False, True, True),
}
CELLS = [
    (relation, action, allowed)
    for relation, row in TABLE.items()
    for action, allowed in zip(("read", "list", "export", "contact", "edit"), row, strict=True)
]
PASS_CELLS = [
    (purpose, action, allowed)
    for purpose, row in PASS_TABLE.items()
    for action, allowed in zip(("read", "list", "export", "contact", "edit"), row, strict=True)
]


def facts(**changes: Any) -> AccessFacts:
    return AccessFacts(
        **{"status": "active", "frozen": False, "client_known": True, "relations": frozenset(), **changes}
    )


@pytest.mark.parametrize(("relation", "action", "allowed"), CELLS)
def test_a_relation_allows_what_the_table_says(relation: Any, action: Any, allowed: bool) -> None:
    reason = decide_access(facts(relations=frozenset({relation})), action)
    assert reason == (relation if allowed else "action_not_allowed")


@pytest.mark.parametrize(("purpose", "action", "allowed"), PASS_CELLS)
def test_a_pass_allows_what_the_table_says_and_nothing_else(purpose: Any, action: Any, allowed: bool) -> None:
    reason = decide_access(
        facts(frozen=True, passes=frozenset({purpose}), relations=frozenset(RELATION_ACTIONS)), action
    )
    assert reason == ("pass" if allowed else "frozen")


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_without_a_relation_may_do_anything(action: Any) -> None:
    assert decide_access(facts(), action) == "no_relation"


@pytest.mark.parametrize(("relation", "action"), list(itertools.product(RELATION_ACTIONS, ACTIONS)))
def test_a_freeze_comes_before_every_relation(relation: Any, action: Any) -> None:
    assert decide_access(facts(frozen=True, relations=frozenset({relation})), action) == "frozen"


@pytest.mark.parametrize(("purpose", "action"), list(itertools.product(PASS_ACTIONS, ACTIONS)))
def test_a_pass_means_nothing_for_somebody_who_is_not_frozen(purpose: Any, action: Any) -> None:
    assert decide_access(facts(passes=frozenset({purpose})), action) == "no_relation"


@pytest.mark.parametrize("action", ACTIONS)
def test_who_has_left_is_not_employed_even_with_a_pass(action: Any) -> None:
    left = facts(status="left", frozen=True, passes=frozenset(PASS_ACTIONS), relations=frozenset(RELATION_ACTIONS))
    assert decide_access(left, action) == "not_employed"


def test_an_unknown_employee_comes_before_an_unknown_client() -> None:
    assert decide_access(facts(status=None, client_known=False), "read") == "unknown_employee"
    assert decide_access(facts(status="left", client_known=False), "read") == "unknown_client"


def test_somebody_frozen_before_the_register_spoke_of_them_is_frozen_not_unknown() -> None:
    assert decide_access(facts(status=None, frozen=True), "read") == "frozen"


def test_of_several_relations_the_first_that_allows_is_the_reason() -> None:
    assert decide_access(facts(relations=frozenset({"team", "head"})), "read") == "team"
    assert decide_access(facts(relations=frozenset({"team", "head"})), "export") == "head"
    assert decide_access(facts(relations=frozenset({"team", "deputy"})), "edit") == "deputy"
    assert decide_access(facts(relations=frozenset({"team", "deputy"})), "export") == "action_not_allowed"


def person(id: str, department: str | None = None, deputy: str | None = None, absent: bool = False) -> PersonFacts:
    return PersonFacts(id, department, deputy, absent)


def test_the_stand_in_is_caretaker_and_the_owner_of_record_nothing() -> None:
    anna, ben = person("anna"), person("ben")
    assert find_relations("ben", anna, ben, set(), {}) == {"caretaker"}
    assert find_relations("anna", anna, ben, set(), {}) == set()
    assert find_relations("anna", anna, anna, set(), {}) == {"owner"}


def test_the_heads_of_the_owner_and_of_the_caretaker_both_head_the_client() -> None:
    heads = {"north": {"nora"}, "south": {"sam"}}
    for head in ("nora", "sam"):
        assert find_relations(head, person("anna", "north"), person("ben", "south"), set(), heads) == {"head"}


def test_a_deputy_counts_only_while_whoever_has_the_client_in_hand_is_absent() -> None:
    here, away = person("anna", deputy="dora"), person("anna", deputy="dora", absent=True)
    assert find_relations("dora", here, here, set(), {}) == set()
    assert find_relations("dora", away, away, set(), {}) == {"deputy"}
    assert find_relations("dora", away, person("ben"), set(), {}) == set()


# -- at a door ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["employee", "sales_head", "director", "service"])
@pytest.mark.parametrize("reason", ["frozen", "not_employed"])
def test_no_role_opens_a_door_to_somebody_frozen_or_gone(reason: str, role: str) -> None:
    for action in ACTIONS:
        assert apply_roles_to_decision(reason, True, {role}, action) == reason
        assert apply_roles_to_decision(reason, False, {role}, action) == reason


@pytest.mark.parametrize("role", ["employee", "sales_head", "director"])
def test_no_role_opens_a_door_to_who_has_a_policy_to_acknowledge(role: str) -> None:
    for action in ACTIONS:
        reason = decide_access(facts(relations=frozenset(RELATION_ACTIONS), policy=True), action)
        assert reason == apply_roles_to_decision(reason, True, {role}, action) == "policy_not_acknowledged"


@pytest.mark.parametrize("role", ["employee", "sales_head", "director", "service"])
def test_no_role_finds_a_client_that_does_not_exist(role: str) -> None:
    for reason in ("unknown_employee", "unknown_client"):
        assert apply_roles_to_decision(reason, False, {role}, "read") == "unknown_client"


@pytest.mark.parametrize("action", ACTIONS)
def test_a_director_may_do_with_all_what_a_head_may(action: Any) -> None:
    reason = apply_roles_to_decision("no_relation", True, {"director"}, action)
    assert reason == ("head" if action in RELATION_ACTIONS["head"] else "action_not_allowed")


def test_a_head_needs_the_role_of_one() -> None:
    assert apply_roles_to_decision("head", True, {"sales_head"}, "read") == "head"
    assert apply_roles_to_decision("head", True, {"employee"}, "read") == "no_relation"


def test_a_service_reads_notes_and_edits_but_does_not_export() -> None:
    seen = {
        action: apply_roles_to_decision("unknown_employee", True, {"service"}, action) in ALLOWING_REASONS
        for action in ACTIONS
    }
    assert seen == {"read": True, "list": True, "contact": True, "export": False, "edit": True}


def test_an_employee_whom_the_register_does_not_know_has_no_relation() -> None:
    assert apply_roles_to_decision("unknown_employee", True, {"employee"}, "read") == "no_relation"
