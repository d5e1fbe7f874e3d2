"""The lists that people look at, each for those who may know of it, in pages by key."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.offboarding.store.seeing import HEADS, SEEN, Viewer, names
from shared.database import UnitOfWork
from shared.paging import Paging, UnknownCursor

Row = Mapping[str, Any]
CASES = f"""
    SELECT c.* FROM cases c WHERE {SEEN} AND (CAST(:employee_id AS text) IS NULL OR c.employee_id = :employee_id)
    AND (CAST(:status AS text) IS NULL OR c.status = :status) AND (CAST(:after AS text) IS NULL OR c.id > :after)
    ORDER BY c.id LIMIT :fetch
"""
# What an assignee, the head of sales, a director and hr see of the parts of a case. Who is frozen keeps what the handover
# wants of them, and nothing of the clients that they once took over.
TASKS = f"""
    SELECT t.* FROM tasks t JOIN cases c ON c.id = t.case_id
    WHERE (:all OR {HEADS} OR t.assignee_id = :actor AND (NOT :frozen OR t.status = 'open' OR c.employee_id = :actor))
    AND (CAST(:assignee_id AS text) IS NULL OR t.assignee_id = :assignee_id)
    AND (CAST(:case_id AS text) IS NULL OR t.case_id = :case_id) AND (CAST(:after AS text) IS NULL OR t.id > :after)
    ORDER BY t.id LIMIT :fetch
"""
SERVES = f"({HEADS} OR :director OR t.assignee_id = :actor)"
VISITS = f"""
    SELECT t.id, t.case_id, c.employee_id AS leaver_id, t.client_id, t.rank, t.due_on, t.assignee_id, t.status, t.outcome,
           t.opened_at, t.closed_at, CASE WHEN {SERVES} THEN t.why ELSE '[]' END AS why, CASE WHEN {SERVES} THEN t.note END AS note
    FROM visits t JOIN cases c ON c.id = t.case_id WHERE NOT :frozen AND (:all OR {HEADS} OR t.assignee_id = :actor)
    AND (CAST(:assignee_id AS text) IS NULL OR t.assignee_id = :assignee_id)
    AND (CAST(:case_id AS text) IS NULL OR t.case_id = :case_id) AND (CAST(:after AS text) IS NULL OR t.id > :after)
    ORDER BY t.id LIMIT :fetch
"""
# A brief says what the client is like: it is for those who serve the client, not for hr.
INTRODUCTIONS = f"""
    SELECT i.id, i.case_id, i.client_id, i.from_id, i.to_id, i.form, i.status, i.due_on, i.rank, i.by, i.pass_id,
           i.pass_status, i.changed_at, CASE WHEN i.to_id = :actor OR i.from_id = :actor OR {HEADS} OR :director THEN i.brief END
           AS brief, CASE WHEN i.to_id = :actor OR i.from_id = :actor OR {HEADS} OR :director THEN i.reason END AS reason, i.how
    FROM introductions i JOIN cases c ON c.id = i.case_id
    WHERE i.case_id = :case_id AND (:all OR {HEADS} OR i.from_id = :actor OR i.to_id = :actor AND NOT :frozen)
    AND (CAST(:after AS text) IS NULL OR i.id > :after) ORDER BY i.id LIMIT :fetch
"""
DOCUMENTS = f"""
    SELECT d.* FROM documents d JOIN cases c ON c.id = d.case_id
    WHERE d.case_id = :case_id AND (:all OR {HEADS} OR c.employee_id = :actor OR d.receiver_id = :actor AND NOT :frozen)
    AND (CAST(:after AS text) IS NULL OR d.id > :after) ORDER BY d.id LIMIT :fetch
"""
FOLLOWUPS = f"""
    SELECT f.* FROM followups f JOIN cases c ON c.id = f.case_id
    WHERE (:director OR {HEADS} OR f.successor_id = :actor AND NOT :frozen)
    AND (CAST(:case_id AS text) IS NULL OR f.case_id = :case_id)
    AND (CAST(:after AS text) IS NULL OR (f.case_id, f.client_id) > (:after, :after_client))
    ORDER BY f.case_id, f.client_id LIMIT :fetch
"""
TIMELINE = """
    SELECT * FROM timeline WHERE case_id = :case_id AND (CAST(:after AS bigint) IS NULL OR id > :after)
    ORDER BY id LIMIT :fetch
"""
# What cases wait for, and since when. Introductions and visits are counted per person: there may be thousands.
# `theirs` marks what waits for the head of sales of the case.
WAITING = """
    SELECT t.case_id, t.kind AS what, t.assignee_id AS who_id, t.opened_at AS since, t.due_on, 1 AS number, false AS theirs
    FROM tasks t WHERE t.case_id = ANY(:ids) AND t.status = 'open'
    UNION ALL
    SELECT case_id, CASE WHEN status = 'failed' THEN reason ELSE 'plan_approval' END, NULL, asked_at, NULL, 1, true
    FROM case_items WHERE case_id = ANY(:ids) AND (status = 'failed' OR what = 'approval' AND status = 'asked')
    UNION ALL
    SELECT case_id, 'introductions', CASE WHEN status IN ('accepted', 'briefed') THEN from_id ELSE to_id END,
           min(changed_at), min(due_on), count(*), false
    FROM introductions WHERE case_id = ANY(:ids) AND status IN ('proposed', 'accepted', 'briefed', 'introduced') GROUP BY 1, 3
    UNION ALL
    SELECT case_id, 'visits', assignee_id, min(opened_at), min(due_on), count(*), false
    FROM visits WHERE case_id = ANY(:ids) AND status = 'open' GROUP BY 1, 3
    UNION ALL
    SELECT case_id, 'documents_to_sign', receiver_id, min(handed_over_at), NULL, count(*), false
    FROM documents WHERE case_id = ANY(:ids) AND status = 'handed_over' GROUP BY 1, 3
    UNION ALL
    SELECT case_id, what, CASE WHEN kind = 'command' THEN receiver ELSE 'offboarding' END, min(asked_at), NULL, count(*), false
    FROM case_items WHERE case_id = ANY(:ids) AND kind IN ('command', 'job') AND status = 'asked' GROUP BY 1, 2, 3
    UNION ALL
    SELECT id, 'last_day', NULL, opened_at, last_day, 1, false FROM cases
    WHERE id = ANY(:ids) AND NOT last_day_over AND undo = ''
    UNION ALL
    SELECT id, 'undo_refused', NULL, coalesce(cleared_at, opened_at), NULL, 1, true FROM cases
    WHERE id = ANY(:ids) AND undo = 'refused'
    ORDER BY since, what, who_id
"""


async def cases(
    work: UnitOfWork, viewer: Viewer, paging: Paging, employee_id: str | None, status: str | None
) -> Sequence[Row]:
    return await _page(work, viewer, CASES, paging, employee_id=employee_id, status=status)


async def tasks(
    work: UnitOfWork, viewer: Viewer, paging: Paging, assignee_id: str | None, case_id: str | None
) -> Sequence[Row]:
    return await _page(work, viewer, TASKS, paging, assignee_id=assignee_id, case_id=case_id)


async def visits(
    work: UnitOfWork, viewer: Viewer, paging: Paging, assignee_id: str | None, case_id: str | None
) -> Sequence[Row]:
    return await _page(work, viewer, VISITS, paging, assignee_id=assignee_id, case_id=case_id)


async def introductions(work: UnitOfWork, viewer: Viewer, paging: Paging, case_id: str) -> Sequence[Row]:
    return await _page(work, viewer, INTRODUCTIONS, paging, case_id=case_id)


async def documents(work: UnitOfWork, viewer: Viewer, paging: Paging, case_id: str) -> Sequence[Row]:
    return await _page(work, viewer, DOCUMENTS, paging, case_id=case_id)


async def followups(work: UnitOfWork, viewer: Viewer, paging: Paging, case_id: str | None) -> Sequence[Row]:
    after = paging.after or (None, None)
    if len(after) != 2:
        raise UnknownCursor
    return await work.fetch_rows(
        FOLLOWUPS, **names(work, viewer), case_id=case_id, after=after[0], after_client=after[1], fetch=paging.fetch
    )


async def timeline(work: UnitOfWork, paging: Paging, case_id: str) -> Sequence[Row]:
    return await work.fetch_rows(TIMELINE, case_id=case_id, after=paging.number, fetch=paging.fetch)


async def waiting_for(
    work: UnitOfWork, rows: Sequence[Row], heads: Mapping[str, str | None]
) -> dict[str, list[dict[str, Any]]]:
    """By case `what, who_id, since, due_on` and how many; empty for a case that is over. `heads`: by leaver."""
    open_ = {row["id"]: row for row in rows if row["status"] in ("open", "needs_person")}
    found: dict[str, list[dict[str, Any]]] = {row["id"]: [] for row in rows}
    for one in await work.fetch_rows(WAITING, ids=list(open_)) if open_ else ():
        head = heads.get(open_[one["case_id"]]["employee_id"]) if one["theirs"] else None
        found[one["case_id"]].append({**one, "who_id": one["who_id"] or head})
    return found


async def steps(work: UnitOfWork, case_ids: Sequence[str]) -> dict[str, list[Row]]:
    """The steps of these cases with how many items each has and how many of them are settled."""
    rows = await work.fetch_rows(
        """
        SELECT s.case_id, s.name, s.status, s.started_at, s.finished_at,
               count(i.name) FILTER (WHERE NOT i.undoes) AS items,
               count(i.name) FILTER (WHERE NOT i.undoes AND i.status IN ('done', 'waived', 'skipped', 'cancelled')) AS done
        FROM case_steps s LEFT JOIN case_items i ON i.case_id = s.case_id AND i.step = s.name
        WHERE s.case_id = ANY(:ids) GROUP BY 1, 2, 3, 4, 5
        """,
        ids=list(case_ids),
    )
    found: dict[str, list[Row]] = {case_id: [] for case_id in case_ids}
    for row in rows:
        found[row["case_id"]].append(row)
    return found


async def _page(work: UnitOfWork, viewer: Viewer, sql: str, paging: Paging, **filters: Any) -> Sequence[Row]:
    after = paging.after[0] if paging.after else None
    return await work.fetch_rows(sql, **names(work, viewer), after=after, fetch=paging.fetch, **filters)


async def stayed(work: UnitOfWork, row: Row) -> list[str]:
    """After an undo: clients that stayed with their successor, having confirmed or moved on; the first thousand."""
    if row["undo"] not in ("asked", "over") or row["cleared_at"] is not None:
        return []
    rows = await work.fetch_rows(
        """
        SELECT DISTINCT client_id FROM moves WHERE case_id = :id AND part = 'client' AND outcome = 'done'
        AND returned IS DISTINCT FROM 'done' ORDER BY client_id LIMIT 1000
        """,
        id=row["id"],
    )
    return [one["client_id"] for one in rows]
