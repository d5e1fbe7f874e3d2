"""How many clients an employee may export on a day: counted under a lock of the employee and day, across all replicas.

`within_export_limit` (migration 0003) does it; a client that was counted today is never refused.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from shared.database import UnitOfWork
from shared.paging import Paging
from shared.people.store import heads_person_sql

KEPT_EXPORT_DAYS = 1
DELETE_BATCH_SIZE = 20_000
ANNOUNCED_AT_ONCE = 1_000


async def update_limits_as_announced(work: UnitOfWork) -> Sequence[Mapping[str, Any]]:
    """Who reached the limit and of whom that was not told yet; they count as told."""
    return await work.fetch_rows(
        f"""
        UPDATE export_days d SET told = d.reached
        FROM (SELECT employee_id, day FROM export_days WHERE reached IS DISTINCT FROM told
              ORDER BY employee_id, day LIMIT {ANNOUNCED_AT_ONCE} FOR UPDATE SKIP LOCKED) u
        WHERE d.employee_id = u.employee_id AND d.day = u.day
        RETURNING d.employee_id, d.day, d.reached AS "limit", d.clients
        """
    )


async def delete_old_export_counts(work: UnitOfWork) -> int:
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
        day=work.today - timedelta(days=KEPT_EXPORT_DAYS),
        batch=DELETE_BATCH_SIZE,
    )
    return int(counted)


# -- grants ------------------------------------------------------------------------------------------------------------

SELECT_EXPORT_GRANT_SQL = """
    SELECT grant_id AS id, employee_id, day AS "on", clients, reason, granted_by, granted_at, withdrawn_at, withdrawn_by
    FROM export_grants g
"""


async def get_export_grant(work: UnitOfWork, grant_id: str) -> Mapping[str, Any] | None:
    return await work.fetch_row(f"{SELECT_EXPORT_GRANT_SQL} WHERE grant_id = :id", id=grant_id)


async def insert_export_grant(
    work: UnitOfWork, grant_id: str, employee_id: str, day: date, clients: int | None, reason: str
) -> bool:
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


async def update_export_grant_withdrawn(work: UnitOfWork, grant_id: str) -> bool:
    """Whether this ended it."""
    return bool(
        await work.execute(
            "UPDATE export_grants SET withdrawn_at = :now, withdrawn_by = :by WHERE grant_id = :id AND withdrawn_at IS NULL",
            id=grant_id,
            by=work.actor,
            now=work.now,
        )
    )


async def list_export_grants(
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
        f"{SELECT_EXPORT_GRANT_SQL} WHERE {' AND '.join(where)} ORDER BY grant_id LIMIT :limit",
        limit=paging.fetch,
        **named,
    )
