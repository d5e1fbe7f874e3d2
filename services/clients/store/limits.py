"""How many clients an employee may export on a day: counted under a lock of the employee and day, across all replicas.

`within_export_limit` (migration 0003) does it; a client that was counted today is never refused.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from services.clients.store.decisions import ALLOWING
from shared.database import UnitOfWork
from shared.paging import Paging
from shared.people.store import heads_person_sql

KEPT_DAYS = 1
BATCH = 20_000
TOLD_AT_ONCE = 1_000

# Of decisions `judged`, those of exports that would exceed the limit become `limit`; in the order of employees, so that
# no two statements wait for each other. Nothing is counted of a call that may not ask.
LIMITED = f"""
    exporting AS MATERIALIZED (
        SELECT employee_id, within_export_limit(employee_id, CAST(day AS date), clients, {{limit}}, {{counting}}) AS within
        FROM (SELECT employee_id, day, array_agg(client_id ORDER BY nth) AS clients FROM judged
              WHERE action = 'export' AND {ALLOWING} AND (SELECT bool_and(may_ask) FROM judged)
              GROUP BY employee_id, day ORDER BY employee_id OFFSET 0) wanted
    ), limited AS MATERIALIZED (
        SELECT {{columns}},
               CASE WHEN action = 'export' AND {ALLOWING} AND client_id <> ALL(within) THEN 'limit' ELSE reason END AS reason
        FROM judged LEFT JOIN exporting USING (employee_id)
    )"""


async def within_limit(work: UnitOfWork, employee_id: str, client_ids: Sequence[str]) -> set[str]:
    """Which of these clients the employee may export today; they are counted. The others are too many."""
    within = await work.fetch_value(
        "SELECT within_export_limit(:employee_id, :day, :clients, :limit, true)",
        employee_id=employee_id,
        day=work.today,
        clients=list(client_ids),
        limit=work.settings.export_limit,
    )
    return set(within)


async def untold(work: UnitOfWork) -> Sequence[Mapping[str, Any]]:
    """Who reached the limit and of whom that was not told yet; they count as told."""
    return await work.fetch_rows(
        f"""
        UPDATE export_days d SET told = d.reached
        FROM (SELECT employee_id, day FROM export_days WHERE reached IS DISTINCT FROM told
              ORDER BY employee_id, day LIMIT {TOLD_AT_ONCE} FOR UPDATE SKIP LOCKED) u
        WHERE d.employee_id = u.employee_id AND d.day = u.day
        RETURNING d.employee_id, d.day, d.reached AS "limit", d.clients
        """
    )


async def forget(work: UnitOfWork) -> int:
    """Deletes a batch of what days of before counted; how many rows that were."""
    counted = await work.fetch_value(
        """
        WITH old AS MATERIALIZED (
            SELECT employee_id, day, client_id FROM exported WHERE day < :day LIMIT :batch
        ), gone AS (
            DELETE FROM exported e USING old
            WHERE (e.employee_id, e.day, e.client_id) = (old.employee_id, old.day, old.client_id) RETURNING 1
        )
        SELECT count(*) FROM gone
        """,
        day=work.today - timedelta(days=KEPT_DAYS),
        batch=BATCH,
    )
    return int(counted)


# -- grants ------------------------------------------------------------------------------------------------------------

GRANTED = """
    SELECT grant_id AS id, employee_id, day AS "on", clients, reason, granted_by, granted_at, withdrawn_at, withdrawn_by
    FROM export_grants g
"""


async def one(work: UnitOfWork, grant_id: str) -> Mapping[str, Any] | None:
    return await work.fetch_row(f"{GRANTED} WHERE grant_id = :id", id=grant_id)


async def grant(work: UnitOfWork, grant_id: str, employee_id: str, day: date, clients: int | None, reason: str) -> bool:
    """Whether it was made; False where there is one of this id."""
    return bool(
        await work.execute(
            """
            INSERT INTO export_grants (grant_id, employee_id, day, clients, reason, granted_by, granted_at)
            VALUES (:id, :employee_id, :day, :clients, :reason, :by, :now) ON CONFLICT DO NOTHING
            """,
            id=grant_id,
            employee_id=employee_id,
            day=day,
            clients=clients,
            reason=reason,
            by=work.actor,
            now=work.now,
        )
    )


async def withdraw(work: UnitOfWork, grant_id: str) -> bool:
    """Whether this ended it."""
    return bool(
        await work.execute(
            "UPDATE export_grants SET withdrawn_at = :now, withdrawn_by = :by WHERE grant_id = :id AND withdrawn_at IS NULL",
            id=grant_id,
            by=work.actor,
            now=work.now,
        )
    )


async def some(
    work: UnitOfWork, paging: Paging, reach: str, employee_id: str | None, day: date | None
) -> Sequence[Mapping[str, Any]]:
    """Grants by id: of everybody, of those whom the caller heads (and own), or own only (`all`, `headed`, `own`)."""
    where, named = ["true"], dict[str, Any]()
    if reach != "all":
        headed = f" OR EXISTS (SELECT 1 FROM people p WHERE p.employee_id = g.employee_id AND {heads_person_sql('p')})"
        where.append(f"(g.employee_id = :actor{headed if reach == 'headed' else ''})")
        named["actor"] = work.actor
    for column, value in (("employee_id", employee_id), ("day", day)):
        if value is not None:
            where.append(f"g.{column} = :{column}")
            named[column] = value
    if paging.after:
        where.append("g.grant_id > :after")
        named["after"] = paging.after[0]
    return await work.fetch_rows(
        f"{GRANTED} WHERE {' AND '.join(where)} ORDER BY grant_id LIMIT :limit", limit=paging.fetch, **named
    )
