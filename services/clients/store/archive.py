"""Months of the journal that have become old, and the legal holds that keep them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from services.clients.store.sequencing import partition_of
from shared.database import UnitOfWork
from shared.paging import Paging

# Of the oldest month that is still here: whether somebody who is held stands in it, as whom it is about, who did it, or in
# the details. However many are held, the month is read once at most. In batches of decisions the details name nobody.
OLDEST = """
    WITH held AS MATERIALIZED (
        SELECT array_agg(s.surrogate) AS them FROM journal_holds h
        JOIN surrogates s ON s.kind = 'employee' AND s.id = h.employee_id
    )
    SELECT m.month, m.first, m.next, EXISTS (
        SELECT 1 FROM held JOIN journal j ON j.month = m.month WHERE them IS NOT NULL
        AND (j.employee = ANY(them) OR j.employees && them OR j.actor = ANY(them) OR (
            j.details IS NOT NULL AND j.kind NOT LIKE 'access.checked%' AND EXISTS (
                SELECT 1 FROM unnest(them) AS one (id) WHERE position(CAST(id AS text) IN CAST(j.details AS text)) > 0)))
    ) AS held
    FROM journal_months m WHERE m.archived_at IS NULL AND m.month < :before ORDER BY m.month LIMIT 1
"""


async def close_holds(work: UnitOfWork) -> None:
    """No hold is placed or released until this transaction ends; those that were under way are seen from here on."""
    await work.execute("LOCK TABLE journal_holds IN SHARE MODE")


async def oldest(work: UnitOfWork, before: date) -> Mapping[str, Any] | None:
    """`month, first, next, held` of the oldest month of before this day that has not been archived."""
    return await work.fetch_row(OLDEST, before=before)


async def drop(work: UnitOfWork, month: date) -> None:
    """Drops the leaves of a month; their hashes stay."""
    await work.connection.execute(f"DROP TABLE {partition_of(month)}")
    await work.execute("UPDATE journal_months SET archived_at = :now WHERE month = :month", now=work.now, month=month)


# -- holds -------------------------------------------------------------------------------------------------------------


async def hold(work: UnitOfWork, employee_id: str, reason: str) -> bool:
    """Whether this began it."""
    return bool(
        await work.execute(
            """
            INSERT INTO journal_holds (employee_id, reason, by_id, at) VALUES (:id, :reason, :by, :now)
            ON CONFLICT DO NOTHING
            """,
            id=employee_id,
            reason=reason,
            by=work.actor,
            now=work.now,
        )
    )


async def release(work: UnitOfWork, employee_id: str) -> bool:
    """Whether there was one."""
    return bool(await work.execute("DELETE FROM journal_holds WHERE employee_id = :id", id=employee_id))


async def held(work: UnitOfWork, employee_id: str) -> Mapping[str, Any] | None:
    return await work.fetch_row(
        "SELECT employee_id, reason, by_id, at FROM journal_holds WHERE employee_id = :id", id=employee_id
    )


async def holds(work: UnitOfWork, paging: Paging) -> Sequence[Mapping[str, Any]]:
    return await work.fetch_rows(
        """
        SELECT employee_id, reason, by_id, at FROM journal_holds WHERE employee_id > :after
        ORDER BY employee_id LIMIT :limit
        """,
        after=paging.after[0] if paging.after else "",
        limit=paging.fetch,
    )


async def client_of_held(work: UnitOfWork, client_ids: Sequence[str]) -> bool:
    """Whether somebody who is held was ever responsible for one of these clients."""
    return bool(
        await work.fetch_value(
            """
            SELECT 1 FROM history h JOIN journal_holds j ON j.employee_id IN (h.from_id, h.to_id)
            WHERE h.client_id = ANY(:ids) LIMIT 1
            """,
            ids=list(client_ids),
        )
    )
