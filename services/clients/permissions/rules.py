"""The one table of relations and actions, from which the access decision is put together."""

from collections.abc import Mapping, Set
from typing import Literal, get_args

Action = Literal["read", "list", "export", "contact", "edit"]
Relation = Literal["owner", "caretaker", "team", "head", "deputy"]
PassPurpose = Literal["introduction", "work"]

Reason = Literal[
    "owner",
    "caretaker",
    "team",
    "head",
    "deputy",
    "pass",
    "frozen",
    "not_employed",
    "policy_not_acknowledged",
    "no_relation",
    "action_not_allowed",
    "limit",
    "unknown_client",
    "unknown_employee",
]

ACTIONS: tuple[Action, ...] = get_args(Action)
ALL_ACTIONS: frozenset[Action] = frozenset(ACTIONS)

# In the order in which they are named as the reason: `head` last, for at the doors it counts only with the role. A stage of
# an open order counts as `team`.
RELATION_ACTIONS: Mapping[Relation, Set[Action]] = {
    "owner": ALL_ACTIONS,
    "caretaker": ALL_ACTIONS,
    "team": {"read", "list", "contact"},
    "deputy": {"read", "list", "contact", "edit"},
    "head": {"read", "list", "export", "contact"},
}

PASS_ACTIONS: Mapping[PassPurpose, Set[Action]] = {
    "introduction": {"read", "contact"},
    "work": {"read", "contact", "edit"},
}

ALLOWING_REASONS: frozenset[str] = frozenset({*RELATION_ACTIONS, "pass", "service"})  # `service` only at doors

# -- at a door ---------------------------------------------------------------------------------------------------------

DIRECTOR_ACTIONS = RELATION_ACTIONS["head"]
SERVICE_ACTIONS: Set[Action] = {"read", "list", "contact", "edit"}
