"""Open stages of one employee, and loads of all."""

from collections.abc import Sequence
from typing import Any

from shared.database import UnitOfWork


async def list_loads(work: UnitOfWork) -> Sequence[dict[str, Any]]:
    rows = await work.fetch_rows(
        """
        SELECT employee_id, function, sum(effort) AS load FROM stages
        WHERE open AND employee_id IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
        """
    )
    return [dict(row) for row in rows]


async def list_open_stages(work: UnitOfWork, employee_id: str) -> list[dict[str, Any]]:
    rows = await work.fetch_rows(
        """
        SELECT s.order_id, o.client_id, s.name AS stage, s.function, s.effort, s.status, s.due_on, s.apart,
               (SELECT coalesce(jsonb_object_agg(t.name, t.employee_id), '{}') FROM stages t
                WHERE t.order_id = s.order_id AND t.position <> s.position AND t.employee_id IS NOT NULL) AS taken
        FROM stages s JOIN orders o ON o.order_id = s.order_id
        WHERE s.employee_id = :id AND s.open ORDER BY s.order_id, s.position
        """,
        id=employee_id,
    )
    return [{**row, "due_on": row["due_on"].isoformat()} for row in rows]
