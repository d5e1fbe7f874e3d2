"""The figures of transferred clients, case by case."""

from collections.abc import Sequence
from datetime import date

from services.offboarding.permissions.rules import Row, Viewer
from services.offboarding.permissions.store import IS_HEAD, viewer_parameters
from shared.database import UnitOfWork
from shared.paging import Paging, UnknownCursor


async def update_follow_up(work: UnitOfWork, case_id: str, since: date, until: date, parts: Sequence[str]) -> None:
    """`parts`: the rows that `compare` gives, as JSON."""
    await work.execute("DELETE FROM followups WHERE case_id = :id", id=case_id)
    for part in parts:
        await work.execute(
            """
            INSERT INTO followups (case_id, client_id, successor_id, since, until, revenue, revenue_before, orders, orders_before,
                                   delivered, delivered_before, on_time, on_time_before)
            SELECT :id, client_id, successor_id, :since, :until, revenue, revenue_before, orders, orders_before,
                   delivered, delivered_before, on_time, on_time_before
            FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS n (client_id text, successor_id text, revenue numeric,
                revenue_before numeric, orders int, orders_before int, delivered int, delivered_before int, on_time int,
                on_time_before int)
            """,
            id=case_id,
            since=since,
            until=until,
            rows=part,
        )


LIST_FOLLOW_UPS_SQL = f"""
    SELECT f.* FROM followups f JOIN cases c ON c.id = f.case_id
    WHERE (:director OR {IS_HEAD} OR f.successor_id = :actor AND NOT :frozen)
    AND (CAST(:case_id AS text) IS NULL OR f.case_id = :case_id)
    AND (CAST(:after AS text) IS NULL OR (f.case_id, f.client_id) > (:after, :after_client))
    ORDER BY f.case_id, f.client_id LIMIT :fetch
"""


async def list_follow_ups(work: UnitOfWork, viewer: Viewer, paging: Paging, case_id: str | None) -> Sequence[Row]:
    after = paging.after or (None, None)
    if len(after) != 2:
        raise UnknownCursor
    return await work.fetch_rows(
        LIST_FOLLOW_UPS_SQL,
        **viewer_parameters(work, viewer),
        case_id=case_id,
        after=after[0],
        after_client=after[1],
        fetch=paging.fetch,
    )
