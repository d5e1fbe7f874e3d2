"""The decision of `domain.access` as SQL, put together from the same table of relations and actions.

Every statement here wants a CTE `asked (employee_id, client_id, action, moment, day)` and gives the columns of
`asked` with `reason`, and whether the employee and the client are known.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from services.clients.domain.access import ALLOWED, EVERYTHING, PASSES, RELATIONS, Action, Relation, decide_at_door
from shared.database import UnitOfWork


def words(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


def absent(person: str, day: str) -> str:
    """Whether one of a person's absences covers the day; as a path, since a scan would cost every decision its set-up."""
    covers = "@.from_day <= $day && (@.until_day == null || @.until_day >= $day)"
    return f"jsonb_path_exists({person}.absences, '$[*] ? ({covers})', jsonb_build_object('day', {day}))"


# Of a question `a`, the client `c`, its owner of record `o` and who has it in hand, `h`.
# A rehired person holds nothing of before, also where nobody stands in.
IN_HAND = "coalesce(o.stand_in_id, CASE WHEN NOT o.settling THEN c.owner_id END)"
RELATED: Mapping[Relation, str] = {
    "owner": "c.owner_id = a.employee_id AND o.stand_in_id IS NULL AND NOT o.settling",
    "caretaker": "o.stand_in_id = a.employee_id",
    "team": """NOT p.settling AND (EXISTS (SELECT 1 FROM team t WHERE t.client_id = a.client_id AND t.employee_id = a.employee_id)
               OR EXISTS (SELECT 1 FROM open_stages s WHERE s.client_id = a.client_id AND s.employee_id = a.employee_id))""",
    "head": """EXISTS (SELECT 1 FROM heads WHERE heads.head_id = a.employee_id
                       AND heads.department_id IN (o.department_id, h.department_id))""",
    "deputy": f"coalesce(h.deputy_id = a.employee_id AND {absent('h', 'a.day')}, false)",
}


def unacknowledged(day: str) -> str:
    """Whether `p` has, on that day, yet to acknowledge a policy that is required for access."""
    return f"coalesce(p.unacknowledged_from <= CAST({day} AS date), false)"


VALID_PASS = "v.withdrawn_at IS NULL AND v.from_time <= a.moment AND a.moment < v.until_time"  # noqa: S105
PASSED = f"""EXISTS (SELECT 1 FROM passes v WHERE v.employee_id = a.employee_id AND v.client_id = a.client_id AND {VALID_PASS}
    AND (v.purpose, a.action) IN ({", ".join(f"('{p}', '{action}')" for p in PASSES for action in sorted(PASSES[p]))}))"""

# Whoever has the client in hand may do everything, and nothing else is looked up for them.
AT_ONCE = [name for name in RELATIONS if RELATIONS[name] == EVERYTHING]
WEIGHED = [name for name in RELATIONS if name not in AT_ONCE]


def _weighed() -> str:
    """The reason by all other relations at once: each is looked up once, as one bit of a number with a case of its own."""

    def reason(held: Sequence[Relation]) -> str:
        tried = "".join(f" WHEN a.action IN ({words(RELATIONS[name])}) THEN '{name}'" for name in held)
        return f"CASE{tried} ELSE 'action_not_allowed' END" if held else "'no_relation'"

    bits = " + ".join(f"{1 << bit} * CAST({RELATED[name]} AS int)" for bit, name in enumerate(WEIGHED))
    cases = (
        f"WHEN {number} THEN {reason([name for bit, name in enumerate(WEIGHED) if number >> bit & 1])}"
        for number in range(1 << len(WEIGHED))
    )
    return f"CASE {bits} {' '.join(cases)} END"


REASON = f"""CASE
    WHEN p.employee_id IS NULL OR (p.status IS NULL AND NOT p.frozen) THEN 'unknown_employee'
    WHEN c.client_id IS NULL THEN 'unknown_client'
    WHEN p.status = 'left' THEN 'not_employed'
    WHEN p.frozen THEN CASE WHEN {PASSED} THEN 'pass' ELSE 'frozen' END
    WHEN {unacknowledged("a.day")} THEN 'policy_not_acknowledged'
    {" ".join(f"WHEN {RELATED[name]} THEN '{name}'" for name in AT_ONCE)}
    ELSE {_weighed()} END"""

# What `domain.access.Facts` are made of, each looked up: for whoever asks for the reason of a reason.
FACTS = f"""
    p.status, coalesce(p.frozen, false) AS frozen, coalesce({unacknowledged("a.day")}, false) AS policy,
    array_remove(ARRAY[{", ".join(f"CASE WHEN {RELATED[name]} THEN '{name}' END" for name in RELATIONS)}], NULL) AS relations,
    ARRAY(SELECT v.purpose FROM passes v WHERE v.employee_id = a.employee_id AND v.client_id = a.client_id AND {VALID_PASS})
        AS passes"""
DECIDING = f"""
    SELECT a.*, {REASON} AS reason, p.department_id,
           p.status IS NOT NULL OR coalesce(p.frozen, false) AS employee_known, c.client_id IS NOT NULL AS client_known,
           c.surrogate AS client, coalesce(p.frozen OR p.status = 'left', false) AS barred"""
ABOUT = f"""
    FROM asked a
    LEFT JOIN people p ON p.employee_id = a.employee_id
    LEFT JOIN clients c ON c.client_id = a.client_id
    LEFT JOIN people o ON o.employee_id = c.owner_id
    LEFT JOIN people h ON h.employee_id = {IN_HAND}
"""
DECIDED = f"{DECIDING} {ABOUT}"
EXPLAINED = f"{DECIDING}, {FACTS} {ABOUT}"
ALLOWING = f"reason IN ({words(ALLOWED)})"

ASKED_BY_CALLER = """
    SELECT CAST(:viewer AS text) AS employee_id, CAST(:client_id AS text) AS client_id, CAST(:action AS text) AS action,
           CAST(:now AS timestamptz) AS moment, CAST(:day AS text) AS day
"""


async def decide_for_caller(work: UnitOfWork, roles: frozenset[str], client_id: str, action: Action) -> str:
    """The reason for or against the caller's doing this with this client; see `domain.access.decide_at_door`."""
    row = await work.fetch_row(
        f"WITH asked AS ({ASKED_BY_CALLER}) SELECT reason, client_known, barred FROM ({DECIDED}) d",
        viewer=work.actor,
        client_id=client_id,
        action=action,
        **moment(work),
    )
    assert row is not None  # noqa: S101 - one question, one row
    if row["barred"] and not row["client_known"]:
        return "frozen"  # whoever is shut out does not learn what exists
    return decide_at_door(row["reason"], row["client_known"], roles, action)


async def decide_all_for_caller(
    work: UnitOfWork, roles: frozenset[str], client_ids: Sequence[str], action: Action
) -> dict[str, str]:
    """`decide_for_caller` of many clients that exist, by one statement."""
    rows = await work.fetch_rows(
        f"""
        WITH asked AS (
            SELECT CAST(:viewer AS text) AS employee_id, client_id, CAST(:action AS text) AS action,
                   CAST(:now AS timestamptz) AS moment, CAST(:day AS text) AS day
            FROM unnest(CAST(:ids AS text[])) AS ids (client_id)
        )
        SELECT client_id, reason, client_known FROM ({DECIDED}) d
        """,
        viewer=work.actor,
        ids=list(client_ids),
        action=action,
        **moment(work),
    )
    return {row["client_id"]: decide_at_door(row["reason"], row["client_known"], roles, action) for row in rows}


def moment(work: UnitOfWork) -> dict[str, Any]:
    """What decisions need to know of the time: the instant, and the day of the company."""
    return {"now": work.now, "day": work.today.isoformat()}


# -- sets --------------------------------------------------------------------------------------------------------------

# All pairs of a client and an employee who stands to it in this relation: `RELATED` read from the other side.
HELD: Mapping[Relation, str] = {
    "owner": """SELECT c.client_id, c.owner_id AS employee_id FROM clients c JOIN people o ON o.employee_id = c.owner_id
                WHERE o.stand_in_id IS NULL AND NOT o.settling""",
    "caretaker": """SELECT c.client_id, o.stand_in_id AS employee_id FROM people o
                    JOIN clients c ON c.owner_id = o.employee_id""",
    "team": """SELECT s.client_id, s.employee_id FROM people p, (
                   SELECT client_id, employee_id FROM team UNION ALL SELECT client_id, employee_id FROM open_stages) s
               WHERE NOT p.settling AND s.employee_id = p.employee_id""",
    "head": """SELECT c.client_id, heads.head_id AS employee_id FROM people o
               LEFT JOIN people h ON h.employee_id = o.stand_in_id
               JOIN heads ON heads.department_id IN (o.department_id, h.department_id)
               JOIN clients c ON c.owner_id = o.employee_id""",
    "deputy": f"""SELECT c.client_id, h.deputy_id AS employee_id FROM people o
                  JOIN people h ON h.employee_id = coalesce(o.stand_in_id, CASE WHEN NOT o.settling THEN o.employee_id END)
                  JOIN clients c ON c.owner_id = o.employee_id
                  WHERE {absent("h", "CAST(:day AS text)")}""",
}


def clients_of_caller(
    roles: frozenset[str], action: Action, within: Collection[Relation] = tuple(RELATIONS)
) -> str | None:
    """SQL of the ids of all clients with which `:viewer` may do this by one of these relations; None: with all."""
    if "director" in roles or "service" in roles:
        return None
    mine = [
        f"SELECT client_id FROM ({held}) {relation} WHERE employee_id = :viewer"
        for relation, held in HELD.items()
        if relation in within and action in RELATIONS[relation] and (relation != "head" or "sales_head" in roles)
    ]
    return " UNION ".join(f"({sql})" for sql in mine)
