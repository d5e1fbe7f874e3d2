"""The legal holds that are in force."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.database import UnitOfWork
from shared.paging import Paging

# -- holds -------------------------------------------------------------------------------------------------------------


async def insert_legal_hold(work: UnitOfWork, employee_id: str, reason: str) -> bool:
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


async def delete_legal_hold(work: UnitOfWork, employee_id: str) -> bool:
    """Whether there was one."""
    return bool(await work.execute("DELETE FROM journal_holds WHERE employee_id = :id", id=employee_id))


async def get_legal_hold(work: UnitOfWork, employee_id: str) -> Mapping[str, Any] | None:
    return await work.fetch_row(
        "SELECT employee_id, reason, by_id, at FROM journal_holds WHERE employee_id = :id", id=employee_id
    )


async def list_legal_holds(work: UnitOfWork, paging: Paging) -> Sequence[Mapping[str, Any]]:
    return await work.fetch_rows(
        """
        SELECT employee_id, reason, by_id, at FROM journal_holds WHERE employee_id > :after
        ORDER BY employee_id LIMIT :limit
        """,
        after=paging.after[0] if paging.after else "",
        limit=paging.fetch,
    )
