"""Months of the journal that have become old."""

from dataclasses import dataclass
from datetime import date

from asyncpg import Connection

from shared.advisory_locks import AdvisoryLock
from shared.database import UnitOfWork

# Of the oldest month that is still here: whether somebody who is held stands in it, as whom it is about, who did it, or in
# the details. However many are held, the month is read once at most. In batches of decisions the details name nobody.
GET_OLDEST_MONTH_SQL = """
    WITH held AS MATERIALIZED (
        SELECT array_agg(s.surrogate) AS them FROM journal_holds h
        JOIN surrogates s ON s.kind = 'employee' AND s.id = h.employee_id
    )
    SELECT m.month, m.first AS first_leaf, m.next AS end_leaf, EXISTS (
        SELECT 1 FROM held JOIN journal j ON j.month = m.month WHERE them IS NOT NULL
        AND (j.employee = ANY(them) OR j.employees && them OR j.actor = ANY(them) OR (
            j.details IS NOT NULL AND j.kind NOT LIKE 'access.checked%' AND EXISTS (
                SELECT 1 FROM unnest(them) AS one (id) WHERE position(CAST(id AS text) IN CAST(j.details AS text)) > 0)))
    ) AS is_held
    FROM journal_months m WHERE m.archived_at IS NULL AND m.month < :before ORDER BY m.month LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class OldMonth:
    """A month of the journal with the leaves [first_leaf, end_leaf). `is_held`: somebody in it is under a legal hold."""

    month: date
    first_leaf: int
    end_leaf: int
    is_held: bool


async def get_oldest_unarchived_month(work: UnitOfWork, before: date) -> OldMonth | None:
    """Of before this day, that has not been archived."""
    return await work.fetch_one(OldMonth, GET_OLDEST_MONTH_SQL, before=before)


async def lock_archive(connection: Connection) -> bool:
    """Whether nobody else archives: the lock is this connection's until `unlock_archive`."""
    return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", AdvisoryLock.ARCHIVE))


async def unlock_archive(connection: Connection) -> None:
    await connection.execute("SELECT pg_advisory_unlock($1)", AdvisoryLock.ARCHIVE)
