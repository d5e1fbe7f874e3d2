"""The set questions: with which clients may somebody do something, who may do it with a client. One statement each.

Where a check looks at every relation of one pair, these start from the relations and keep the first that allows the
action; a property test keeps them alike with the checks. The statement writes the journal too, and builds the JSON:
100,000 rows would cost more to carry about than to find.
"""

from typing import NamedTuple

from services.clients.access.store import decision
from services.clients.journal.store import insert_entries_sql
from services.clients.permissions.rules import PASS_ACTIONS, RELATION_ACTIONS, Action
from shared.database import UnitOfWork
from shared.ids import uuid7
from shared.paging import Paging

UNACKNOWLEDGED_SQL = decision.has_unacknowledged_policy_sql("CAST(:day AS text)")
MAY_ACT_SQL = f"(p.status IS NOT NULL AND p.status <> 'left' AND NOT p.frozen AND NOT {UNACKNOWLEDGED_SQL})"
MAY_USE_PASS_SQL = "(p.frozen AND p.status IS DISTINCT FROM 'left')"  # noqa: S105 - of a freeze


class AllowedPage(NamedTuple):
    """`items_json` has the items; `next_after` the key of the last of them if there are more."""

    items_json: str
    next_after: str | None


def _allowed_pairs_sql(action: Action, given: str) -> str:
    """SQL of all pairs, where the column `given` is `:given`, that are allowed, each with its first reason's rank."""
    ranked = list(RELATION_ACTIONS)
    relations = [
        f"SELECT client_id, employee_id, {rank} AS rank FROM ({decision.RELATION_PAIRS_SQL[name]}) {name} WHERE {given} = :given"
        for rank, name in enumerate(ranked)
        if action in RELATION_ACTIONS[name]
    ]
    purposes = [purpose for purpose in PASS_ACTIONS if action in PASS_ACTIONS[purpose]]
    passed = f"""
        UNION ALL SELECT v.client_id, v.employee_id, {len(ranked)} FROM passes v
        JOIN people p ON p.employee_id = v.employee_id AND {MAY_USE_PASS_SQL}, (SELECT CAST(:now AS timestamptz) AS moment) a
        WHERE v.{given} = :given AND v.purpose IN ({decision.quote_literals(purposes)}) AND {decision.VALID_PASS_SQL}"""
    related = " UNION ALL ".join(relations)
    return f"""
        SELECT r.client_id, r.employee_id, min(rank) AS rank FROM ({related}) r
        JOIN people p ON p.employee_id = r.employee_id AND {MAY_ACT_SQL} GROUP BY r.client_id, r.employee_id
        {passed if purposes else ""}
    """


def _allowed_page_sql(action: Action, given: str, shown: str, **journaled: str) -> str:
    """Of one page by the column `shown`: its JSON, how many there are with one more, and the last key of the page."""
    reasons = ", ".join(f"'{name}'" for name in (*RELATION_ACTIONS, "pass"))
    journal_sql = insert_entries_sql(
        "",
        kind=":kind",
        system="CAST(:system AS text)",
        action="'list'",
        reason="(SELECT CASE WHEN count(*) = 1 THEN min(reason) END FROM counted)",
        details="""jsonb_build_object('action', CAST(:action AS text), 'reasons', coalesce(
            (SELECT jsonb_agg(jsonb_build_array(reason, n) ORDER BY rank) FROM counted), '[]'))""",
        **journaled,
    )
    return f"""
        WITH found AS MATERIALIZED (
            SELECT f.client_id, f.employee_id, (ARRAY[{reasons}])[min(rank) + 1] AS reason, min(rank) AS rank, c.surrogate,
                   row_number() OVER (ORDER BY {shown}) AS nth
            FROM ({_allowed_pairs_sql(action, given)}) f JOIN clients c USING (client_id)
            WHERE {shown} > :after GROUP BY f.client_id, f.employee_id, c.surrogate ORDER BY {shown} LIMIT :limit + 1
        ), page AS MATERIALIZED (
            SELECT * FROM found WHERE nth <= :limit
        ), counted AS (
            SELECT reason, rank, count(*) AS n FROM page GROUP BY reason, rank
        ), journaled AS ({journal_sql})
        SELECT coalesce(string_agg('{{"{shown}":' || to_json({shown}) || ',"reason":"' || reason || '"}}', ',' ORDER BY nth),
                        '') AS items_json,
               CASE WHEN (SELECT count(*) FROM found) > :limit THEN (SELECT max({shown}) FROM page) END AS next_after
        FROM page
    """


async def list_and_journal_allowed_clients(
    work: UnitOfWork, employee_id: str, action: Action, paging: Paging
) -> AllowedPage:
    """Journaled with the clients in the order of the reasons in `details`."""
    sql = _allowed_page_sql(
        action,
        "employee_id",
        "client_id",
        employee="(SELECT surrogate_of('employee', employee_id) FROM people WHERE employee_id = :given)",
        clients="(SELECT array_agg(surrogate ORDER BY rank, client_id) FROM page)",
    )
    return await _get_page(work, sql, "access.clients_asked", employee_id, action, paging)


async def list_and_journal_allowed_employees(
    work: UnitOfWork, client_id: str, action: Action, paging: Paging
) -> AllowedPage:
    """Journaled with the employees in the order of the reasons in `details`."""
    sql = _allowed_page_sql(
        action,
        "client_id",
        "employee_id",
        client="(SELECT surrogate FROM clients WHERE client_id = :given)",
        employees="(SELECT array_agg(surrogate_of('employee', employee_id) ORDER BY rank, employee_id) FROM page)",
    )
    return await _get_page(work, sql, "access.employees_listed", client_id, action, paging)


async def _get_page(work: UnitOfWork, sql: str, kind: str, given: str, action: Action, paging: Paging) -> AllowedPage:
    (page,) = await work.fetch_all(
        AllowedPage,
        sql,
        given=given,
        day=work.today.isoformat(),
        limit=paging.limit,
        leaf=uuid7(),
        kind=kind,
        system=work.system,
        action=action,
        **paging.bounds,
    )
    return page
