"""The access decision, rule by rule, as plain functions: what the service's SQL is compared with."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Literal

from services.clients.access import rules
from services.clients.permissions.rules import (
    PASS_ACTIONS,
    RELATION_ACTIONS,
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


# The order of a decision. Whatever a rule says ends it; only what a relation allows the limit may still refuse.
RULES: Mapping[rules.RuleName, Callable[[AccessFacts, Action], Reason | None]] = {
    "unknown": _unknown_rule,
    "employment": _employment_rule,
    "freeze": _freeze_rule,
    "policy": _policy_rule,
    "relation": _relation_rule,
    "limit": _limit_rule,
}


def evaluate_rules(facts: AccessFacts, action: Action) -> dict[rules.RuleName, Reason | None]:
    """What each rule that was asked says, in order."""
    said: dict[rules.RuleName, Reason | None] = {}
    for name, rule in RULES.items():
        said[name] = reason = rule(facts, action)
        if reason is not None and reason not in RELATION_ACTIONS:
            break
    return said


def decide_access(facts: AccessFacts, action: Action) -> Reason:
    """The reason of the decision; it is allowed if the reason is in `ALLOWING_REASONS`."""
    *_, reason = (reason for reason in evaluate_rules(facts, action).values() if reason is not None)
    return reason


def explain_decision(facts: AccessFacts, action: Action) -> list[rules.RuleOutcome]:
    return rules.explain_decision(decide_access(facts, action), action, facts.relations, facts.passes)


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
