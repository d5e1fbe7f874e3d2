"""What a decision means for a caller with roles, and how a decision is explained."""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal, get_args

from services.clients.permissions.rules import (
    ACTIONS,
    ALLOWING_REASONS,
    DIRECTOR_ACTIONS,
    PASS_ACTIONS,
    RELATION_ACTIONS,
    SERVICE_ACTIONS,
    Action,
    PassPurpose,
    Reason,
    Relation,
)

# In the order of a decision. Whatever a rule says ends it; only what a relation allows the limit may still refuse.
RuleName = Literal["unknown", "employment", "freeze", "policy", "relation", "limit"]
RULE_NAMES: tuple[RuleName, ...] = get_args(RuleName)
RULE_BY_REASON: Mapping[Reason, RuleName] = {
    "unknown_employee": "unknown",
    "unknown_client": "unknown",
    "not_employed": "employment",
    "frozen": "freeze",
    "pass": "freeze",
    "policy_not_acknowledged": "policy",
    **dict.fromkeys(RELATION_ACTIONS, "relation"),
    "no_relation": "relation",
    "action_not_allowed": "relation",
    "limit": "limit",
}


@dataclass(frozen=True)
class RuleOutcome:
    """What one rule of a decision said. `allows`: of each relation or pass that holds, the actions it allows."""

    rule: RuleName
    outcome: Literal["passed", "allowed", "refused", "not_asked"]
    reason: Reason | None = None
    allows: Mapping[str, Sequence[Action]] | None = None


def explain_decision(
    reason: Reason, action: Action, relations: Collection[Relation], passes: Collection[PassPurpose]
) -> list[RuleOutcome]:
    """What all rules, in the order of the decision, said where it came to this reason; not of whom or which client."""
    reasons: dict[RuleName, Reason] = {RULE_BY_REASON[reason]: reason}
    if reason == "limit":
        reasons["relation"] = next(
            name for name in RELATION_ACTIONS if name in relations and action in RELATION_ACTIONS[name]
        )
    last: RuleName = "limit" if reason in RELATION_ACTIONS else RULE_BY_REASON[reason]
    held: Mapping[RuleName, Mapping[str, Set[Action]]] = {
        "freeze": {
            name: PASS_ACTIONS[name] for name in PASS_ACTIONS if reason in ("frozen", "pass") and name in passes
        },
        "relation": {name: RELATION_ACTIONS[name] for name in RELATION_ACTIONS if name in relations},
    }

    def describe_rule(rule: RuleName) -> RuleOutcome:
        if RULE_NAMES.index(rule) > RULE_NAMES.index(last):
            return RuleOutcome(rule, "not_asked")
        allows = {name: [one for one in ACTIONS if one in actions] for name, actions in held.get(rule, {}).items()}
        said = reasons.get(rule)
        outcome: Literal["passed", "allowed", "refused"] = (
            "passed" if said is None else "allowed" if said in ALLOWING_REASONS else "refused"
        )
        return RuleOutcome(rule, outcome, said, allows or None)

    return [describe_rule(rule) for rule in RULE_NAMES]


def apply_roles_to_decision(reason: str, client_known: bool, roles: Set[str], action: Action) -> str:
    """What a decision about the caller means with the roles of the caller's token; allowed if in `ALLOWING_REASONS`.

    A frozen caller, or one who has left, holds no role, nor does who has a policy to acknowledge. A head needs the role
    `sales_head`; a director is head of everybody; a service is nobody's colleague, reads what it must
    and keeps clients as its own system has them.
    """
    if reason in ("frozen", "not_employed"):
        return reason
    if not client_known:
        return "unknown_client"
    if reason == "policy_not_acknowledged":
        return reason
    if reason in ALLOWING_REASONS and reason != "head":
        return reason
    if "director" in roles:
        return "head" if action in DIRECTOR_ACTIONS else "action_not_allowed"
    if reason == "head" and "sales_head" in roles:
        return "head"
    if "service" in roles:
        return "service" if action in SERVICE_ACTIONS else "action_not_allowed"
    if reason == "head":
        return "no_relation"
    return "no_relation" if reason == "unknown_employee" else reason
