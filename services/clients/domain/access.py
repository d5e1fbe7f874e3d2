"""Who may do what with a client: the table of relations and actions, and the rules in the order of a decision.

The SQL of `store.decisions` is put together from the same table; a property test keeps the two alike.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal, get_args

Action = Literal["read", "list", "export", "contact", "edit"]
Relation = Literal["owner", "caretaker", "team", "head", "deputy"]
Purpose = Literal["introduction", "work"]
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
EVERYTHING: frozenset[Action] = frozenset(ACTIONS)

# In the order in which they are named as the reason: `head` last, for at the doors it counts only with the role. A stage of
# an open order counts as `team`.
RELATIONS: Mapping[Relation, Set[Action]] = {
    "owner": EVERYTHING,
    "caretaker": EVERYTHING,
    "team": {"read", "list", "contact"},
    "deputy": {"read", "list", "contact", "edit"},
    "head": {"read", "list", "export", "contact"},
}
PASSES: Mapping[Purpose, Set[Action]] = {
    "introduction": {"read", "contact"},
    "work": {"read", "contact", "edit"},
}
ALLOWED: frozenset[str] = frozenset({*RELATIONS, "pass", "service"})  # `service` only at doors


@dataclass(frozen=True)
class Facts:
    """What is known of one employee and one client at one moment. `status` is None where the register is silent.

    `policy`: the acknowledgement of a policy that is required for access is missing. `over_limit`: this client would be
    one more than the employee may export on this day.
    """

    status: Literal["active", "resigned", "left"] | None
    frozen: bool
    client_known: bool
    relations: frozenset[Relation]
    passes: frozenset[Purpose] = frozenset()
    policy: bool = False
    over_limit: bool = False


# -- the rules of a decision -------------------------------------------------------------------------------------------
# Each gives the reason that it finds, or None: then the next one is asked.


def _unknown(facts: Facts, action: Action) -> Reason | None:
    if facts.status is None and not facts.frozen:
        return "unknown_employee"
    return None if facts.client_known else "unknown_client"


def _employment(facts: Facts, action: Action) -> Reason | None:
    return "not_employed" if facts.status == "left" else None


def _freeze(facts: Facts, action: Action) -> Reason | None:
    if not facts.frozen:
        return None
    return "pass" if any(action in PASSES[purpose] for purpose in facts.passes) else "frozen"


def _policy(facts: Facts, action: Action) -> Reason | None:
    return "policy_not_acknowledged" if facts.policy else None


def _relation(facts: Facts, action: Action) -> Reason | None:
    for relation, actions in RELATIONS.items():
        if relation in facts.relations and action in actions:
            return relation
    return "action_not_allowed" if facts.relations else "no_relation"


def _limit(facts: Facts, action: Action) -> Reason | None:
    return "limit" if action == "export" and facts.over_limit else None


Rule = Literal["unknown", "employment", "freeze", "policy", "relation", "limit"]

# The order of a decision. Whatever a rule says ends it; only what a relation allows the limit may still refuse.
RULES: Mapping[Rule, Callable[[Facts, Action], Reason | None]] = {
    "unknown": _unknown,
    "employment": _employment,
    "freeze": _freeze,
    "policy": _policy,
    "relation": _relation,
    "limit": _limit,
}


def sayings(facts: Facts, action: Action) -> dict[Rule, Reason | None]:
    """What each rule that was asked says, in order."""
    said: dict[Rule, Reason | None] = {}
    for name, rule in RULES.items():
        said[name] = reason = rule(facts, action)
        if reason is not None and reason not in RELATIONS:
            break
    return said


def decide(facts: Facts, action: Action) -> Reason:
    """The reason of the decision; it is allowed if the reason is in `ALLOWED`."""
    *_, reason = (reason for reason in sayings(facts, action).values() if reason is not None)
    return reason


@dataclass(frozen=True)
class Tried:
    """What one rule of a decision said. `allows`: of each relation or pass that holds, the actions it allows."""

    rule: Rule
    outcome: Literal["passed", "allowed", "refused", "not_asked"]
    reason: Reason | None = None
    allows: Mapping[str, Sequence[Action]] | None = None


def explain(facts: Facts, action: Action) -> list[Tried]:
    """All rules in the order of the decision; says nothing of who or which client it was."""
    said = sayings(facts, action)
    shown: Mapping[Rule, Mapping[str, Set[Action]]] = {
        "freeze": {purpose: PASSES[purpose] for purpose in PASSES if facts.frozen and purpose in facts.passes},
        "relation": {relation: RELATIONS[relation] for relation in RELATIONS if relation in facts.relations},
    }

    def tried(rule: Rule) -> Tried:
        if rule not in said:
            return Tried(rule, "not_asked")
        reason = said[rule]
        held = {name: [one for one in ACTIONS if one in actions] for name, actions in shown.get(rule, {}).items()}
        outcome: Literal["passed", "allowed", "refused"] = (
            "passed" if reason is None else "allowed" if reason in ALLOWED else "refused"
        )
        return Tried(rule, outcome, reason, held or None)

    return [tried(rule) for rule in RULES]


@dataclass(frozen=True)
class Person:
    """A row of the register's copy, as far as decisions need it."""

    employee_id: str
    department_id: str | None
    deputy_id: str | None
    absent: bool


def relations_of(
    employee_id: str,
    owner: Person,
    acting: Person | None,
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


# -- at a door ---------------------------------------------------------------------------------------------------------

OF_DIRECTORS = RELATIONS["head"]
OF_SERVICES: Set[Action] = {"read", "list", "contact", "edit"}


def decide_at_door(reason: str, client_known: bool, roles: Set[str], action: Action) -> str:
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
    if reason in ALLOWED and reason != "head":
        return reason
    if "director" in roles:
        return "head" if action in OF_DIRECTORS else "action_not_allowed"
    if reason == "head" and "sales_head" in roles:
        return "head"
    if "service" in roles:
        return "service" if action in OF_SERVICES else "action_not_allowed"
    if reason == "head":
        return "no_relation"
    return "no_relation" if reason == "unknown_employee" else reason
