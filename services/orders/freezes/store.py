"""Passes as heard from `clients`. What decides is their window; `begun` and `ended` say what was applied to stages already."""

from collections.abc import Sequence

from shared.contracts.clients import PassEvent
from shared.database import UnitOfWork

DUE_SQL = "NOT ended AND (until_time <= :now OR (NOT begun AND from_time <= :now))"


async def upsert_pass(work: UnitOfWork, event: PassEvent, is_ended: bool) -> None:
    """Once ended it stays so, in whatever order its events are heard."""
    await work.execute(
        """
        INSERT INTO passes AS p (pass_id, employee_id, client_id, from_time, until_time, begun, ended)
        VALUES (:id, :employee_id, :client_id, :from_time, :until_time, CAST(:from_time AS timestamptz) <= :now, :ended)
        ON CONFLICT (pass_id) DO UPDATE SET ended = p.ended OR excluded.ended
        """,
        id=event.pass_id,
        employee_id=event.employee_id,
        client_id=event.client_id,
        from_time=event.from_time,
        until_time=event.until_time,
        ended=is_ended,
    )


async def list_employees_with_due_passes(work: UnitOfWork, limit: int = 100) -> list[str]:
    return await work.fetch_values(
        f"SELECT DISTINCT employee_id FROM passes WHERE {DUE_SQL} ORDER BY employee_id LIMIT :limit",
        limit=limit,
    )


async def update_due_passes(work: UnitOfWork, employee_ids: Sequence[str]) -> None:
    """Marks what has begun and what has ended."""
    await work.execute(
        f"""
        UPDATE passes SET begun = begun OR from_time <= :now, ended = until_time <= :now
        WHERE {DUE_SQL} AND employee_id = ANY(:ids)
        """,
        ids=employee_ids,
    )


async def merge_passes_of_client(work: UnitOfWork, client_id: str, into_id: str) -> None:
    await work.execute("UPDATE passes SET client_id = :into WHERE client_id = :id", id=client_id, into=into_id)
