"""How many clients an employee may export on a day: counted under a lock of the employee and day, across all replicas.

The database's function `within_export_limit` does it; a client that was counted today is never refused.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.clients.access.store.actor import ListReach, is_visible_to_actor_sql
from shared.contracts.clients import AccessLimitReached
from shared.database import UnitOfWork
from shared.paging import Paging
from shared.people.rules import ERASED_TEXT

KEPT_EXPORT_DAYS = 1
DELETE_BATCH_SIZE = 20_000
ANNOUNCED_AT_ONCE = 1_000


async def update_limits_as_announced(work: UnitOfWork) -> list[AccessLimitReached]:
    """Who reached the limit and of whom that was not announced yet; from now on it counts as announced."""
    return await work.fetch_all(
        AccessLimitReached,
        f"""
        UPDATE export_days d SET told = d.reached
        FROM (SELECT employee_id, day FROM export_days WHERE reached IS DISTINCT FROM told
              ORDER BY employee_id, day LIMIT {ANNOUNCED_AT_ONCE} FOR UPDATE SKIP LOCKED) u
        WHERE d.employee_id = u.employee_id AND d.day = u.day
        RETURNING d.employee_id, d.day, d.reached AS "limit", d.clients
        """,
    )


async def delete_old_export_counts(work: UnitOfWork) -> int:
    """Deletes a batch of what days of before counted; how many rows that were."""
    return await work.execute(
        """
        WITH old AS MATERIALIZED (
            SELECT employee_id, day, client_id FROM exported WHERE day < :day LIMIT :batch
        )
        DELETE FROM exported e USING old
        WHERE (e.employee_id, e.day, e.client_id) = (old.employee_id, old.day, old.client_id)
        """,
        day=work.today - timedelta(days=KEPT_EXPORT_DAYS),
        batch=DELETE_BATCH_SIZE,
    )


async def erase_export_counts(work: UnitOfWork, employee_id: str) -> int:
    """What was counted of this person; how many clients that were."""
    await work.execute("DELETE FROM export_days WHERE employee_id = :id", id=employee_id)
    return await work.execute("DELETE FROM exported WHERE employee_id = :id", id=employee_id)


# -- grants ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExportGrant:
    """So many `clients` more than the limit on one day; None: as many as they like."""

    id: str
    employee_id: str
    on: date
    clients: int | None
    reason: str
    granted_by: str
    granted_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str | None


SELECT_EXPORT_GRANTS = """
    SELECT grant_id AS id, employee_id, day AS "on", clients, reason, granted_by, granted_at, withdrawn_at, withdrawn_by
    FROM export_grants g
"""


async def get_export_grant(work: UnitOfWork, grant_id: str) -> ExportGrant | None:
    return await work.fetch_one(ExportGrant, f"{SELECT_EXPORT_GRANTS} WHERE grant_id = :id", id=grant_id)


async def insert_export_grant(
    work: UnitOfWork, grant_id: str, employee_id: str, day: date, client_count: int | None, reason: str
) -> bool:
    """Whether it was made; False where there is one of this id."""
    inserted = await work.execute(
        """
        INSERT INTO export_grants (grant_id, employee_id, day, clients, reason, granted_by, granted_at)
        VALUES (:id, :employee_id, :day, :clients, :reason, :by, :now) ON CONFLICT DO NOTHING
        """,
        id=grant_id,
        employee_id=employee_id,
        day=day,
        clients=client_count,
        reason=reason,
        by=work.actor,
    )
    return inserted > 0


async def update_export_grant_withdrawn(work: UnitOfWork, grant_id: str) -> bool:
    """Whether this ended it."""
    ended = await work.execute(
        "UPDATE export_grants SET withdrawn_at = :now, withdrawn_by = :by WHERE grant_id = :id AND withdrawn_at IS NULL",
        id=grant_id,
        by=work.actor,
    )
    return ended > 0


async def list_export_grants(
    work: UnitOfWork, paging: Paging, reach: ListReach, employee_id: str | None, day: date | None
) -> list[ExportGrant]:
    """Grants that the actor may see, by id; those of an employee or a day, if asked for."""
    wanted = {"employee_id": employee_id, "day": day}
    where = [f"g.{column} = :{column}" for column, value in wanted.items() if value is not None]
    where += ["g.grant_id > :after", is_visible_to_actor_sql(reach, "g.employee_id")]
    return await work.fetch_all(
        ExportGrant,
        f"{SELECT_EXPORT_GRANTS} WHERE {' AND '.join(where)} ORDER BY grant_id LIMIT :fetch",
        **wanted,
        **paging.bounds,
    )


async def erase_grant_reasons(work: UnitOfWork, employee_id: str) -> int:
    """Of grants of this person, or by them; how many."""
    return await work.execute(
        "UPDATE export_grants SET reason = :erased WHERE :id IN (employee_id, granted_by) AND reason <> :erased",
        id=employee_id,
        erased=ERASED_TEXT,
    )
