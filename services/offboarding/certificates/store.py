"""What the certificate of a cleared case says: what was done, by whom and when."""

from services.offboarding.cases.store import get_visible_case
from services.offboarding.certificates.rules import (
    ApprovedPlan,
    Certificate,
    CertificateFigures,
    CertifiedDocument,
    IntroductionCount,
    NotCleared,
    SettledItem,
    Successor,
    VisitCount,
)
from services.offboarding.permissions.rules import Viewer
from shared.database import UnitOfWork


async def get_certificate(work: UnitOfWork, viewer: Viewer, case_id: str) -> Certificate:
    """Ids, words and times only; the proofs themselves stay with the tasks. Raises `NotFound`, `NotCleared`."""
    record = await get_visible_case(work, viewer, case_id)
    if record.cleared_at is None:
        raise NotCleared
    return Certificate(
        case_id=case_id,
        employee_id=record.employee_id,
        employment_id=record.employment_id,
        last_day=record.last_day,
        opened_at=record.opened_at,
        cleared_at=record.cleared_at,
        figures=CertificateFigures(**record.figures),
        items=await work.fetch_all(
            SettledItem,
            """
            SELECT i.step, i.what, i.status, i.settled_by AS by_id, i.settled_at AS at,
                   CASE WHEN t.status = 'waived' THEN t.reason ELSE i.reason END AS reason
            FROM case_items i LEFT JOIN tasks t ON t.case_id = i.case_id AND t.kind = i.what AND i.step = 'hand_over'
            WHERE i.case_id = :id AND i.status IN ('done', 'waived', 'skipped') AND i.step <> 'follow_up'
            ORDER BY i.settled_at, i.position
            """,
            id=case_id,
        ),
        plan=await work.fetch_one(
            ApprovedPlan,
            """
            SELECT version, approved_by, approved_at, gap FROM plans
            WHERE case_id = :id AND status = 'approved' ORDER BY version DESC LIMIT 1
            """,
            id=case_id,
        ),
        successors=await work.fetch_all(
            Successor,
            """
            SELECT to_id AS employee_id, count(DISTINCT client_id) FILTER (WHERE part IN ('client', 'left_client')) AS clients,
                   count(*) FILTER (WHERE part IN ('stage', 'left_stage')) AS stages, count(*) FILTER (WHERE part = 'team') AS team
            FROM moves WHERE case_id = :id AND outcome = 'done' GROUP BY to_id ORDER BY to_id
            """,
            id=case_id,
        ),
        introductions=await work.fetch_all(
            IntroductionCount,
            "SELECT status, count(*) AS number FROM introductions WHERE case_id = :id GROUP BY status ORDER BY status",
            id=case_id,
        ),
        visits=await work.fetch_all(
            VisitCount,
            """
            SELECT coalesce(outcome, status) AS outcome, count(*) AS number FROM visits WHERE case_id = :id GROUP BY 1 ORDER BY 1
            """,
            id=case_id,
        ),
        documents=await work.fetch_all(
            CertifiedDocument,
            """
            SELECT id, kind, status, received_by AS by_id, received_at AS at
            FROM documents WHERE case_id = :id ORDER BY listed_at, id
            """,
            id=case_id,
        ),
    )
