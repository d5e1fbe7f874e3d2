"""The access decision, as SQL that is put together from the one table of relations and actions.

Every statement here wants a CTE `asked (employee_id, client_id, action, moment, day)` and gives the columns of
`asked` with `reason`, and whether the employee and the client are known.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from services.clients.access.rules import apply_roles_to_decision
from services.clients.holdings.store.owners import ADMITTED_OWNER_SQL
from services.clients.permissions.rules import (
    ALL_ACTIONS,
    ALLOWING_REASONS,
    PASS_ACTIONS,
    RELATION_ACTIONS,
    Action,
    Relation,
)
from shared.database import UnitOfWork
from shared.people.store import is_known_sql, is_unknown_sql


def quote_literals(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


def is_absent_sql(person: str, day: str) -> str:
    """Whether one of a person's absences covers the day; as a path, since a scan would cost every decision its set-up."""
    covers = "@.from_day <= $day && (@.until_day == null || @.until_day >= $day)"
    return f"jsonb_path_exists({person}.absences, '$[*] ? ({covers})', jsonb_build_object('day', {day}))"


OWNERS_SQL = f"""
    LEFT JOIN people o ON o.employee_id = c.owner_id
    LEFT JOIN people h ON h.employee_id = {ADMITTED_OWNER_SQL}
"""


class RelationSql(NamedTuple):
    """Who stands in a relation to the client `c` of the owner of record `o`, whom the acting owner `h` has in hand.

    `employee_column` has the id, `condition` when that holds, and `source` what is looked through for it. `p` is
    the row of the employee.
    """

    employee_column: str
    condition: str
    source: str | None = None

    @property
    def is_related(self) -> str:
        """Whether `a.employee_id` stands in this relation."""
        related = f"{self.employee_column} = a.employee_id AND {self.condition}"
        return f"EXISTS (SELECT 1 FROM {self.source} WHERE {related})" if self.source else f"coalesce({related}, false)"

    @property
    def pairs(self) -> str:
        """All clients, each with those who stand in this relation to it."""
        source = f"CROSS JOIN {self.source}" if self.source else ""
        return f"""SELECT c.client_id, {self.employee_column} AS employee_id FROM clients c {OWNERS_SQL} {source}
                   LEFT JOIN people p ON p.employee_id = {self.employee_column} WHERE {self.condition}"""


def build_sql_by_relation(day: str) -> Mapping[Relation, RelationSql]:
    return {
        "owner": RelationSql("o.employee_id", "o.stand_in_id IS NULL AND NOT o.settling"),
        "caretaker": RelationSql("o.stand_in_id", "o.stand_in_id IS NOT NULL"),
        "team": RelationSql(
            "s.employee_id",
            "s.client_id = c.client_id AND NOT p.settling",
            "(SELECT client_id, employee_id FROM team UNION ALL SELECT client_id, employee_id FROM open_stages) s",
        ),
        "head": RelationSql("heads.head_id", "heads.department_id IN (o.department_id, h.department_id)", "heads"),
        "deputy": RelationSql("h.deputy_id", is_absent_sql("h", day)),
    }


IS_RELATED_SQL = {name: relation.is_related for name, relation in build_sql_by_relation("a.day").items()}
RELATION_PAIRS_SQL = {name: relation.pairs for name, relation in build_sql_by_relation("CAST(:day AS text)").items()}


def has_unacknowledged_policy_sql(day: str) -> str:
    """Whether `p` has, on that day, yet to acknowledge a policy that is required for access."""
    return f"coalesce(p.unacknowledged_from <= CAST({day} AS date), false)"


VALID_PASS_SQL = "v.withdrawn_at IS NULL AND v.from_time <= a.moment AND a.moment < v.until_time"  # noqa: S105

PURPOSES_AND_ACTIONS = ", ".join(
    f"('{purpose}', '{action}')" for purpose, actions in PASS_ACTIONS.items() for action in sorted(actions)
)
HAS_PASS_SQL = f"""EXISTS (
    SELECT 1 FROM passes v WHERE v.employee_id = a.employee_id AND v.client_id = a.client_id AND {VALID_PASS_SQL}
    AND (v.purpose, a.action) IN ({PURPOSES_AND_ACTIONS}))"""

# Whoever has the client in hand may do everything, and nothing else is looked up for them.
FULL_RELATIONS = [name for name in RELATION_ACTIONS if RELATION_ACTIONS[name] == ALL_ACTIONS]
PARTIAL_RELATIONS = [name for name in RELATION_ACTIONS if name not in FULL_RELATIONS]


def _partial_relations_sql() -> str:
    """The reason by all other relations at once: each is looked up once, as one bit of a number with a case of its own."""

    def reason(held: Sequence[Relation]) -> str:
        tried = "".join(f" WHEN a.action IN ({quote_literals(RELATION_ACTIONS[name])}) THEN '{name}'" for name in held)
        return f"CASE{tried} ELSE 'action_not_allowed' END" if held else "'no_relation'"

    bits = " + ".join(f"{1 << bit} * CAST({IS_RELATED_SQL[name]} AS int)" for bit, name in enumerate(PARTIAL_RELATIONS))
    cases = (
        f"WHEN {number} THEN {reason([name for bit, name in enumerate(PARTIAL_RELATIONS) if number >> bit & 1])}"
        for number in range(1 << len(PARTIAL_RELATIONS))
    )
    return f"CASE {bits} {' '.join(cases)} END"


REASON_SQL = f"""CASE
    WHEN {is_unknown_sql("p")} THEN 'unknown_employee'
    WHEN c.client_id IS NULL THEN 'unknown_client'
    WHEN p.status = 'left' THEN 'not_employed'
    WHEN p.frozen THEN CASE WHEN {HAS_PASS_SQL} THEN 'pass' ELSE 'frozen' END
    WHEN {has_unacknowledged_policy_sql("a.day")} THEN 'policy_not_acknowledged'
    {" ".join(f"WHEN {IS_RELATED_SQL[name]} THEN '{name}'" for name in FULL_RELATIONS)}
    ELSE {_partial_relations_sql()} END"""

# What a decision rests on, each looked up: for whoever asks for the reason of a reason.
HELD_RELATIONS = ", ".join(f"CASE WHEN {IS_RELATED_SQL[name]} THEN '{name}' END" for name in RELATION_ACTIONS)
FACTS_SQL = f"""
    array_remove(ARRAY[{HELD_RELATIONS}], NULL) AS relations,
    ARRAY(SELECT v.purpose FROM passes v WHERE v.employee_id = a.employee_id AND v.client_id = a.client_id AND {VALID_PASS_SQL})
        AS passes"""

DECISION_COLUMNS_SQL = f"""
    SELECT a.*, {REASON_SQL} AS reason, p.department_id,
           {is_known_sql("p")} AS employee_known, c.client_id IS NOT NULL AS client_known,
           c.surrogate AS client, coalesce(p.frozen OR p.status = 'left', false) AS barred"""

DECISION_TABLES_SQL = f"""
    FROM asked a
    LEFT JOIN people p ON p.employee_id = a.employee_id
    LEFT JOIN clients c ON c.client_id = a.client_id
    {OWNERS_SQL}
"""

DECISION_SQL = f"{DECISION_COLUMNS_SQL} {DECISION_TABLES_SQL}"
EXPLAINED_DECISION_SQL = f"{DECISION_COLUMNS_SQL}, {FACTS_SQL} {DECISION_TABLES_SQL}"
IS_ALLOWED_SQL = f"reason IN ({quote_literals(ALLOWING_REASONS)})"

ACTOR_QUESTION_SQL = """
    SELECT CAST(:actor AS text) AS employee_id, CAST(:client_id AS text) AS client_id, CAST(:action AS text) AS action,
           CAST(:now AS timestamptz) AS moment, CAST(:day AS text) AS day
"""


async def get_actor_decision(work: UnitOfWork, roles: frozenset[str], client_id: str, action: Action) -> str:
    """The reason for or against the caller's doing this with this client; see `apply_roles_to_decision`."""
    row = await work.fetch_row(
        f"WITH asked AS ({ACTOR_QUESTION_SQL}) SELECT reason, client_known, barred FROM ({DECISION_SQL}) d",
        client_id=client_id,
        action=action,
        day=work.today.isoformat(),
    )
    assert row is not None  # noqa: S101 - one question, one row
    if row["barred"] and not row["client_known"]:
        return "frozen"  # whoever is shut out does not learn what exists
    return apply_roles_to_decision(row["reason"], row["client_known"], roles, action)


async def list_actor_decisions(
    work: UnitOfWork, roles: frozenset[str], client_ids: Sequence[str], action: Action
) -> dict[str, str]:
    """`get_actor_decision` of many clients that exist, by one statement."""
    rows = await work.fetch_rows(
        f"""
        WITH asked AS (
            SELECT CAST(:actor AS text) AS employee_id, client_id, CAST(:action AS text) AS action,
                   CAST(:now AS timestamptz) AS moment, CAST(:day AS text) AS day
            FROM unnest(CAST(:ids AS text[])) AS ids (client_id)
        )
        SELECT client_id, reason, client_known FROM ({DECISION_SQL}) d
        """,
        ids=list(client_ids),
        action=action,
        day=work.today.isoformat(),
    )
    return {
        row["client_id"]: apply_roles_to_decision(row["reason"], row["client_known"], roles, action) for row in rows
    }


def allowed_client_ids_sql(
    roles: frozenset[str], action: Action, relations: Collection[Relation] = tuple(RELATION_ACTIONS)
) -> str | None:
    """SQL of the ids of all clients with which `:actor` may do this by one of these relations; None: with all."""
    if "director" in roles or "service" in roles:
        return None
    mine = [
        f"SELECT client_id FROM ({held}) {relation} WHERE employee_id = :actor"
        for relation, held in RELATION_PAIRS_SQL.items()
        if relation in relations
        and action in RELATION_ACTIONS[relation]
        and (relation != "head" or "sales_head" in roles)
    ]
    return " UNION ".join(f"({sql})" for sql in mine)
