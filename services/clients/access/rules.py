"""The access decision for a caller with roles, and how a decision is explained."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True)
class AccessFacts:
    """What is known of one employee and one client at one moment. `status` is None where the register is silent.

    `policy`: the acknowledgement of a policy that is required for access is missing. `over_limit`: this client would be
    one more than the employee may export on this day.
    """

    status: Literal["active", "resigned", "left"] | None
    frozen: bool
    client_known: bool
    relations: frozenset[Relation]
    passes: frozenset[PassPurpose] = frozenset()
    policy: bool = False
    over_limit: bool = False


# -- the rules of a decision -------------------------------------------------------------------------------------------
# Each gives the reason that it finds, or None: then the next one is asked.


def _unknown_rule(facts: AccessFacts, action: Action) -> Reason | None:
    if facts.status is None and not facts.frozen:
        return "unknown_employee"
    return None if facts.client_known else "unknown_client"


def _employment_rule(facts: AccessFacts, action: Action) -> Reason | None:
    return "not_employed" if facts.status == "left" else None


def _freeze_rule(facts: AccessFacts, action: Action) -> Reason | None:
    if not facts.frozen:
        return None
    return "pass" if any(action in PASS_ACTIONS[purpose] for purpose in facts.passes) else "frozen"


def _policy_rule(facts: AccessFacts, action: Action) -> Reason | None:
    return "policy_not_acknowledged" if facts.policy else None


def _relation_rule(facts: AccessFacts, action: Action) -> Reason | None:
    for relation, actions in RELATION_ACTIONS.items():
        if relation in facts.relations and action in actions:
            return relation
    return "action_not_allowed" if facts.relations else "no_relation"


def _limit_rule(facts: AccessFacts, action: Action) -> Reason | None:
    return "limit" if action == "export" and facts.over_limit else None


RuleName = Literal["unknown", "employment", "freeze", "policy", "relation", "limit"]

# The order of a decision. Whatever a rule says ends it; only what a relation allows the limit may still refuse.
RULES: Mapping[RuleName, Callable[[AccessFacts, Action], Reason | None]] = {
    "unknown": _unknown_rule,
    "employment": _employment_rule,
    "freeze": _freeze_rule,
    "policy": _policy_rule,
    "relation": _relation_rule,
    "limit": _limit_rule,
}


def evaluate_rules(facts: AccessFacts, action: Action) -> dict[RuleName, Reason | None]:
    """What each rule that was asked says, in order."""
    said: dict[RuleName, Reason | None] = {}
    for name, rule in RULES.items():
        said[name] = reason = rule(facts, action)
        if reason is not None and reason not in RELATION_ACTIONS:
            break
    return said


def decide_access(facts: AccessFacts, action: Action) -> Reason:
    """The reason of the decision; it is allowed if the reason is in `ALLOWED`."""
    *_, reason = (reason for reason in evaluate_rules(facts, action).values() if reason is not None)
    return reason


@dataclass(frozen=True)
class RuleOutcome:
    """What one rule of a decision said. `allows`: of each relation or pass that holds, the actions it allows."""

    rule: RuleName
    outcome: Literal["passed", "allowed", "refused", "not_asked"]
    reason: Reason | None = None
    allows: Mapping[str, Sequence[Action]] | None = None


def explain_decision(facts: AccessFacts, action: Action) -> list[RuleOutcome]:
    """All rules in the order of the decision; says nothing of who or which client it was."""
    said = evaluate_rules(facts, action)
    shown: Mapping[RuleName, Mapping[str, Set[Action]]] = {
        "freeze": {
            purpose: PASS_ACTIONS[purpose] for purpose in PASS_ACTIONS if facts.frozen and purpose in facts.passes
        },
        "relation": {
            relation: RELATION_ACTIONS[relation] for relation in RELATION_ACTIONS if relation in facts.relations
        },
    }

    def tried(rule: RuleName) -> RuleOutcome:
        if rule not in said:
            return RuleOutcome(rule, "not_asked")
        reason = said[rule]
        held = {name: [one for one in ACTIONS if one in actions] for name, actions in shown.get(rule, {}).items()}
        outcome: Literal["passed", "allowed", "refused"] = (
            "passed" if reason is None else "allowed" if reason in ALLOWING_REASONS else "refused"
        )
        return RuleOutcome(rule, outcome, reason, held or None)

    return [tried(rule) for rule in RULES]


@dataclass(frozen=True)
class PersonFacts:
    """A row of the register's copy, as far as decisions need it."""

    employee_id: str
    department_id: str | None
    deputy_id: str | None
    absent: bool


def find_relations(
    employee_id: str,
    owner: PersonFacts,
    acting: PersonFacts | None,
    team: Set[str],
    heads: Mapping[str | None, Set[str]],
    settling: bool = False,
) -> frozenset[Relation]:
    """How the employee stands to a client of `owner` that is in the hands of `acting`.

    Nobody acts for a rehired owner whose clients still wait for somebody. `team` are those who serve the client, by
    membership or by a stage: but not who was rehired and is `settling`, for that is of before. `heads` are the heads of
    a department and above.
    """
    found: set[Relation] = set()
    if acting is not None and employee_id == acting.employee_id:
        found.add("owner" if acting.employee_id == owner.employee_id else "caretaker")
    if employee_id in team and not settling:
        found.add("team")
    if any(employee_id in heads.get(person.department_id, ()) for person in (owner, acting) if person):
        found.add("head")
    if acting is not None and acting.absent and acting.deputy_id == employee_id:
        found.add("deputy")
    return frozenset(found)


def apply_roles_to_decision(reason: str, client_known: bool, roles: Set[str], action: Action) -> str:
    """What a decision about the caller means with the roles of the caller's token; allowed if in `ALLOWED`.

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
