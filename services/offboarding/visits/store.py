"""The visits of cases."""

import json
from collections.abc import Sequence
from datetime import date

from services.offboarding.permissions.rules import Viewer, require_found
from services.offboarding.permissions.store import IS_HEAD, list_page
from services.offboarding.visits.rules import ClientToVisit, Visit
from shared.database import UnitOfWork
from shared.paging import Paging

SELECT_VISIT = "SELECT v.*, c.employee_id AS leaver_id FROM visits v JOIN cases c ON c.id = v.case_id"
SERVES = f"({IS_HEAD} OR :director OR v.assignee_id = :actor)"


async def list_visits(
    work: UnitOfWork, viewer: Viewer, paging: Paging, assignee_id: str | None, case_id: str | None
) -> list[Visit]:
    """A page for the assignee, the head of sales, a director or hr; why and with which note only for who serves the client."""
    return await list_page(
        work,
        viewer,
        Visit,
        f"""
        SELECT v.id, v.case_id, c.employee_id AS leaver_id, v.client_id, v.rank, v.due_on, v.assignee_id, v.status, v.outcome,
               v.opened_at, CASE WHEN {SERVES} THEN v.why ELSE '[]' END AS why, CASE WHEN {SERVES} THEN v.note END AS note
        FROM visits v JOIN cases c ON c.id = v.case_id WHERE NOT :frozen AND (:all OR {IS_HEAD} OR v.assignee_id = :actor)
        AND (CAST(:assignee_id AS text) IS NULL OR v.assignee_id = :assignee_id)
        AND (CAST(:case_id AS text) IS NULL OR v.case_id = :case_id) AND (CAST(:after AS text) IS NULL OR v.id > :after)
        ORDER BY v.id LIMIT :fetch
        """,
        paging,
        assignee_id=assignee_id,
        case_id=case_id,
    )


async def lock_visit(work: UnitOfWork, visit_id: str) -> Visit:
    """Raises `NotFound`."""
    return require_found(await work.fetch_one(Visit, f"{SELECT_VISIT} WHERE v.id = :id FOR UPDATE OF v", id=visit_id))


async def lock_open_visits(work: UnitOfWork, case_ids: Sequence[str]) -> list[Visit]:
    return await work.fetch_all(
        Visit,
        f"{SELECT_VISIT} WHERE v.case_id = ANY(:ids) AND v.status = 'open' ORDER BY v.id FOR UPDATE OF v",
        ids=list(case_ids),
    )


async def lock_open_visits_in_cases_of_others(work: UnitOfWork, assignee_id: str) -> list[Visit]:
    """What this assignee has to do in the cases of others."""
    return await work.fetch_all(
        Visit,
        f"""
        {SELECT_VISIT} WHERE v.assignee_id = :assignee_id AND v.status = 'open' AND c.employee_id <> :assignee_id
        ORDER BY v.id FOR UPDATE OF v
        """,
        assignee_id=assignee_id,
    )


async def count_open_visits(work: UnitOfWork, assignee_id: str | None) -> int:
    return int(
        await work.fetch_value(
            "SELECT count(*) FROM visits WHERE assignee_id = :assignee AND status = 'open'", assignee=assignee_id
        )
    )


async def insert_visits(
    work: UnitOfWork, case_id: str, assignee_id: str | None, clients: Sequence[ClientToVisit], due_days: Sequence[date]
) -> list[Visit]:
    """A visit to each client that has none open in this case, due on the day at its place. Returns those that are new."""
    visits = [{**vars(client), "due_on": due_on.isoformat()} for client, due_on in zip(clients, due_days, strict=True)]
    return await work.fetch_all(
        Visit,
        """
        WITH inserted AS (
            INSERT INTO visits (id, case_id, client_id, rank, why, due_on, assignee_id, status, opened_at)
            SELECT CAST(md5(:case_id || '/visit/' || n.client_id || '/' || (SELECT count(*) FROM visits v
                        WHERE v.case_id = :case_id AND v.client_id = n.client_id)) AS uuid)::text,
                   :case_id, client_id, rank, reasons, due_on, :assignee, 'open', :now
            FROM jsonb_to_recordset(CAST(:visits AS jsonb)) AS n (client_id text, rank int, reasons jsonb, due_on date)
            WHERE NOT EXISTS (SELECT 1 FROM visits v
                              WHERE v.case_id = :case_id AND v.client_id = n.client_id AND v.status = 'open')
            RETURNING *
        )
        SELECT v.*, c.employee_id AS leaver_id FROM inserted v JOIN cases c ON c.id = v.case_id
        """,
        case_id=case_id,
        visits=json.dumps(visits),
        assignee=assignee_id,
    )


async def update_visits(work: UnitOfWork, visits: Sequence[Visit]) -> None:
    """Writes what may change of a visit."""
    if visits:
        await work.execute(
            """
            UPDATE visits v SET assignee_id = n.assignee_id, status = n.status,
                   outcome = n.outcome, note = n.note, closed_at = n.closed_at, closed_by = n.closed_by
            FROM jsonb_populate_recordset(CAST(NULL AS visits), CAST(:visits AS jsonb)) AS n
            WHERE v.id = n.id
            """,
            visits=json.dumps([vars(visit) for visit in visits], default=str),
        )


async def merge_open_visits(work: UnitOfWork, client_id: str, into_id: str) -> None:
    """What is still to be done with a client is to be done with the one that it is part of now."""
    await work.execute(
        "UPDATE visits SET client_id = :into WHERE client_id = :id AND status = 'open'", id=client_id, into=into_id
    )


async def erase_visit_notes(
    work: UnitOfWork, case_ids: Sequence[str] = (), closed_by: str | None = None, client_ids: Sequence[str] = ()
) -> int:
    """Notes of these cases, by this person or about these clients. How many."""
    return await work.execute(
        """
        UPDATE visits SET note = NULL
        WHERE (case_id = ANY(:cases) OR closed_by = CAST(:closed_by AS text) OR client_id = ANY(:clients))
              AND note IS NOT NULL
        """,
        cases=list(case_ids),
        closed_by=closed_by,
        clients=list(client_ids),
    )
