"""The case as rows, and back; its lists and its timeline."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.offboarding.checklist.rules import checklist_from_json
from services.offboarding.permissions.rules import Row, Viewer
from services.offboarding.permissions.store import MAY_SEE_CASE_SQL, list_page
from services.offboarding.saga import Case, ChecklistTask, Item, get_step_table
from shared.database import UnitOfWork
from shared.paging import Paging


async def lock_case(work: UnitOfWork, case_id: str, lock: bool = True) -> tuple[Row, Case] | None:
    """The row and the case, locked against everybody else who would move it."""
    row = await work.fetch_row(f"SELECT * FROM cases WHERE id = :id {'FOR UPDATE' if lock else ''}", id=case_id)
    if row is None:
        return None
    items = await work.fetch_rows("SELECT * FROM case_items WHERE case_id = :id ORDER BY position", id=case_id)
    steps = await work.fetch_rows(
        "SELECT name, status FROM case_steps WHERE case_id = :id AND status <> 'pending'", id=case_id
    )
    return row, case_from_rows(row, items, {step["name"]: step["status"] for step in steps})


def case_from_rows(row: Row, items: Any, steps: Mapping[str, str]) -> Case:
    case = Case(
        id=row["id"],
        wanted=tuple(
            ChecklistTask(entry.kind, entry.after_transfer) for entry in checklist_from_json(row["checklist"])
        ),
        version=row["table_version"],
        epoch=row["epoch"],
        last_day_over=row["last_day_over"],
        undo=row["undo"],
        items=tuple(
            Item(
                item["step"],
                item["name"],
                item["kind"],
                item["what"],
                item["receiver"],
                item["after"],
                item["status"],
                item["undoes"],
                item["reason"],
            )
            for item in items
        ),
        facts=row["facts"],
        begun=tuple(steps),
    )
    order = [step.name for step in get_step_table(case)]
    begun = tuple(sorted(steps, key=order.index))
    undone = tuple(name for name in reversed(begun) if steps[name] == "undone")
    return Case(**{**vars(case), "begun": begun, "undone": undone})


async def exists_case(work: UnitOfWork, case_id: str) -> bool:
    return bool(await work.fetch_value("SELECT 1 FROM cases WHERE id = :id", id=case_id))


async def get_newest_case_id(work: UnitOfWork, employee_id: str, employment_id: str) -> str | None:
    """The newest case of this employment."""
    found: str | None = await work.fetch_value(
        """
        SELECT id FROM cases WHERE employee_id = :employee_id AND employment_id = :employment_id
        ORDER BY opened_at DESC, id DESC LIMIT 1
        """,
        employee_id=employee_id,
        employment_id=employment_id,
    )
    return found


async def update_case(work: UnitOfWork, before: Case, after: Case) -> None:
    """Writes what differs: the case, its items, its steps with their times."""
    await work.execute(
        """
        UPDATE cases SET epoch = :epoch, last_day_over = :over, undo = :undo, facts = CAST(:facts AS jsonb),
               status = :status, step = :step,
               cleared_at = CASE WHEN :cleared THEN coalesce(cleared_at, :now) END,
               cancelled_at = CASE WHEN :status = 'cancelled' THEN coalesce(cancelled_at, :now) END
        WHERE id = :id
        """,
        id=after.id,
        epoch=after.epoch,
        over=after.last_day_over,
        undo=after.undo,
        facts=json.dumps(dict(after.facts)),
        status=after.status,
        step=after.step,
        cleared=after.is_over("clear"),
        now=work.now,
    )
    old = {(item.step, item.name): item for item in before.items}
    changed = [
        {**vars(item), "position": place, "receiver": item.to, "settled": item.settled}
        for place, item in enumerate(after.items)
        if old.get((item.step, item.name)) != item
    ]
    if changed:
        await work.execute(
            """
            INSERT INTO case_items AS i (case_id, step, name, position, kind, what, receiver, after, status, undoes,
                                         reason, asked_at, settled_at, settled_by)
            SELECT :id, step, name, position, kind, what, receiver, after, status, undoes, reason,
                   CASE WHEN status <> 'pending' THEN CAST(:now AS timestamptz) END,
                   CASE WHEN settled THEN CAST(:now AS timestamptz) END, CASE WHEN settled THEN :actor END
            FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS n (step text, name text, position int, kind text,
                what text, receiver text, after text, status text, undoes boolean, reason text, settled boolean)
            ON CONFLICT (case_id, step, name) DO UPDATE
            SET status = excluded.status, reason = excluded.reason, settled_at = excluded.settled_at,
                settled_by = excluded.settled_by,
                asked_at = CASE WHEN i.status = 'pending' THEN excluded.asked_at ELSE i.asked_at END
            """,
            id=after.id,
            items=json.dumps(changed),
            now=work.now,
            actor=work.actor,
        )
    steps = [
        {
            "name": step.name,
            "status": after.status_of(step.name),
            "over": step.name in after.begun and after.is_over(step.name),
        }
        for step in get_step_table(after)
        if step.name in after.begun
    ]
    await work.execute(
        """
        INSERT INTO case_steps AS s (case_id, name, status, started_at, finished_at)
        SELECT :id, name, status, :now, CASE WHEN over THEN CAST(:now AS timestamptz) END
        FROM jsonb_to_recordset(CAST(:steps AS jsonb)) AS n (name text, status text, over boolean)
        ON CONFLICT (case_id, name) DO UPDATE
        SET status = excluded.status,
            finished_at = CASE WHEN excluded.finished_at IS NOT NULL THEN coalesce(s.finished_at, excluded.finished_at) END
        WHERE s.status <> excluded.status OR (s.finished_at IS NULL) <> (excluded.finished_at IS NULL)
        """,
        id=after.id,
        steps=json.dumps(steps),
        now=work.now,
    )


async def insert_timeline_entry(
    work: UnitOfWork, case_id: str, what: str, step: str | None = None, **details: str | int | bool | None
) -> None:
    """A line of the case's timeline: ids and words of ours only."""
    await work.execute(
        """
        INSERT INTO timeline (case_id, at, what, step, by_id, details)
        VALUES (:case_id, :now, :what, :step, :actor, CAST(:details AS jsonb))
        """,
        case_id=case_id,
        now=work.now,
        what=what,
        step=step,
        actor=work.actor,
        details=json.dumps(details),
    )


LIST_CASES_SQL = f"""
    SELECT c.* FROM cases c WHERE {MAY_SEE_CASE_SQL} AND (CAST(:employee_id AS text) IS NULL OR c.employee_id = :employee_id)
    AND (CAST(:status AS text) IS NULL OR c.status = :status) AND (CAST(:after AS text) IS NULL OR c.id > :after)
    ORDER BY c.id LIMIT :fetch
"""

LIST_TIMELINE_SQL = """
    SELECT * FROM timeline WHERE case_id = :case_id AND (CAST(:after AS bigint) IS NULL OR id > :after)
    ORDER BY id LIMIT :fetch
"""

# What cases wait for, and since when. Introductions and visits are counted per person: there may be thousands.
# `theirs` marks what waits for the head of sales of the case.
LIST_WAITING_SQL = """
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


async def list_cases(
    work: UnitOfWork, viewer: Viewer, paging: Paging, employee_id: str | None, status: str | None
) -> Sequence[Row]:
    return await list_page(work, viewer, LIST_CASES_SQL, paging, employee_id=employee_id, status=status)


async def list_timeline(work: UnitOfWork, paging: Paging, case_id: str) -> Sequence[Row]:
    return await work.fetch_rows(LIST_TIMELINE_SQL, case_id=case_id, after=paging.number, fetch=paging.fetch)


async def list_waiting(
    work: UnitOfWork, rows: Sequence[Row], heads: Mapping[str, str | None]
) -> dict[str, list[dict[str, Any]]]:
    """By case `what, who_id, since, due_on` and how many; empty for a case that is over. `heads`: by leaver."""
    open_ = {row["id"]: row for row in rows if row["status"] in ("open", "needs_person")}
    found: dict[str, list[dict[str, Any]]] = {row["id"]: [] for row in rows}
    for one in await work.fetch_rows(LIST_WAITING_SQL, ids=list(open_)) if open_ else ():
        head = heads.get(open_[one["case_id"]]["employee_id"]) if one["theirs"] else None
        found[one["case_id"]].append({**one, "who_id": one["who_id"] or head})
    return found


async def list_steps(work: UnitOfWork, case_ids: Sequence[str]) -> dict[str, list[Row]]:
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


async def count_cases_needing_person(work: UnitOfWork) -> int:
    return int(await work.fetch_value("SELECT count(*) FROM cases WHERE status = 'needs_person'"))
