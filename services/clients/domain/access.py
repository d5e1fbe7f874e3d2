"""Who may do what with a client: the table of relations and actions, and the order in which a decision is made.

The SQL of `store.decisions` is put together from the same table; a property test keeps the two alike.
"""

from collections.abc import Mapping, Set
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

# In the order in which they are named as the reason. A stage of an open order counts as `team`.
RELATIONS: Mapping[Relation, Set[Action]] = {
    "owner": EVERYTHING,
    "caretaker": EVERYTHING,
    "team": {"read", "list", "contact"},
    "head": {"read", "list", "export", "contact"},
    "deputy": {"read", "list", "contact", "edit"},
}
PASSES: Mapping[Purpose, Set[Action]] = {
    "introduction": {"read", "contact"},
    "work": {"read", "contact", "edit"},
}
ALLOWED: frozenset[str] = frozenset({*RELATIONS, "pass", "service"})  # `service` only at doors


@dataclass(frozen=True)
class Facts:
    """What is known of one employee and one client at one moment. `status` is None where the register is silent."""

    status: Literal["active", "resigned", "left"] | None
    frozen: bool
    client_known: bool
    relations: frozenset[Relation]
    passes: frozenset[Purpose] = frozenset()


def decide(facts: Facts, action: Action) -> Reason:
    """The reason of the decision; it is allowed if the reason is in `ALLOWED`."""
    if facts.status is None and not facts.frozen:
        return "unknown_employee"
    if not facts.client_known:
        return "unknown_client"
    if facts.status == "left":
        return "not_employed"
    if facts.frozen:
        return "pass" if any(action in PASSES[purpose] for purpose in facts.passes) else "frozen"
    for relation, actions in RELATIONS.items():
        if relation in facts.relations and action in actions:
            return relation
    return "action_not_allowed" if facts.relations else "no_relation"


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
OF_SERVICES: Set[Action] = {"read", "list", "contact"}


def decide_at_door(reason: str, client_known: bool, roles: Set[str], action: Action) -> str:
    """What a decision about the caller means with the roles of the caller's token; allowed if in `ALLOWED`.

    A frozen caller, or one who has left, holds no role. A head needs the role `sales_head`; a director is head of
    everybody; a service is nobody's colleague and reads what it must.
    """
    if reason in ("frozen", "not_employed"):
        return reason
    if not client_known:
        return "unknown_client"
    if reason in ALLOWED and reason != "head":
        return reason
    if "director" in roles:
        return "head" if action in OF_DIRECTORS else "action_not_allowed"
    if reason == "head":
        return "head" if "sales_head" in roles else "no_relation"
    if "service" in roles:
        return "service" if action in OF_SERVICES else "action_not_allowed"
    return "no_relation" if reason == "unknown_employee" else reason
