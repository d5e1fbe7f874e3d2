"""Months of the journal that have become old."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from shared.database import UnitOfWork

# Of the oldest month that is still here: whether somebody who is held stands in it, as whom it is about, who did it, or in
# the details. However many are held, the month is read once at most. In batches of decisions the details name nobody.
GET_OLDEST_MONTH_SQL = """
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


async def lock_legal_holds(work: UnitOfWork) -> None:
    """No hold is placed or released until this transaction ends; those that were under way are seen from here on."""
    await work.execute("LOCK TABLE journal_holds IN SHARE MODE")


async def get_oldest_month(work: UnitOfWork, before: date) -> Mapping[str, Any] | None:
    """`month, first, next, held` of the oldest month of before this day that has not been archived."""
    return await work.fetch_row(GET_OLDEST_MONTH_SQL, before=before)
