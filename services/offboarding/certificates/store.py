"""What the certificate of a cleared case says: what was done, by whom and when."""

from typing import Any

from services.offboarding.permissions.rules import Row
from shared.database import UnitOfWork


async def get_certificate(work: UnitOfWork, row: Row) -> dict[str, Any]:
    """Ids, words and times only; the proofs themselves stay with the tasks."""
    case_id = row["id"]
    items = await work.fetch_rows(
        """
        SELECT i.step, i.what, i.status, i.settled_by AS by_id, i.settled_at AS at,
               CASE WHEN t.status = 'waived' THEN t.reason ELSE i.reason END AS reason
        FROM case_items i LEFT JOIN tasks t ON t.case_id = i.case_id AND t.kind = i.what AND i.step = 'hand_over'
        WHERE i.case_id = :id AND i.status IN ('done', 'waived', 'skipped') AND i.step <> 'follow_up'
        ORDER BY i.settled_at, i.position
        """,
        id=case_id,
    )
    plan = await work.fetch_row(
        """
        SELECT version, approved_by, approved_at, gap FROM plans
        WHERE case_id = :id AND status = 'approved' ORDER BY version DESC
        """,
        id=case_id,
    )
    successors = await work.fetch_rows(
        """
        SELECT to_id AS employee_id, count(DISTINCT client_id) FILTER (WHERE part IN ('client', 'left_client')) AS clients,
               count(*) FILTER (WHERE part IN ('stage', 'left_stage')) AS stages, count(*) FILTER (WHERE part = 'team') AS team
        FROM moves WHERE case_id = :id AND outcome = 'done' GROUP BY to_id ORDER BY to_id
        """,
        id=case_id,
    )
    introductions = await work.fetch_rows(
        "SELECT status, count(*) AS number FROM introductions WHERE case_id = :id GROUP BY status ORDER BY status",
        id=case_id,
    )
    visits = await work.fetch_rows(
        """
        SELECT coalesce(outcome, status) AS outcome, count(*) AS number FROM visits WHERE case_id = :id GROUP BY 1 ORDER BY 1
        """,
        id=case_id,
    )
    documents = await work.fetch_rows(
        """
        SELECT id, kind, status, received_by AS by_id, received_at AS at FROM documents WHERE case_id = :id ORDER BY listed_at, id
        """,
        id=case_id,
    )
    return {
        "case_id": case_id,
        "employee_id": row["employee_id"],
        "employment_id": row["employment_id"],
        "last_day": row["last_day"],
        "opened_at": row["opened_at"],
        "cleared_at": row["cleared_at"],
        "figures": row["figures"],
        "plan": plan,
        "items": items,
        "successors": successors,
        "introductions": introductions,
        "visits": visits,
        "documents": documents,
    }
