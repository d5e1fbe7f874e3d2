"""The case as rows, and back; its lists and its timeline."""

import json
from collections.abc import Mapping, Sequence
from datetime import date

from pydantic import TypeAdapter

from services.offboarding.cases.rules import (
    CaseRecord,
    Departure,
    StepProgress,
    TimelineEntry,
    Waiting,
    make_case,
)
from services.offboarding.checklist.rules import ChecklistEntry
from services.offboarding.checklist.store import dump_checklist
from services.offboarding.introductions.rules import OPEN_STATUSES
from services.offboarding.permissions.rules import Viewer, require_found
from services.offboarding.permissions.store import MAY_SEE_CASE, list_page, viewer_parameters
from services.offboarding.saga import OPEN_CASE_STATUSES, SETTLED_ITEM_STATUSES, Case, CaseItem, get_step_table
from shared.database import UnitOfWork
from shared.paging import Paging

RECORD_ADAPTER = TypeAdapter(CaseRecord)
DEPARTURE_ADAPTER = TypeAdapter(Departure)


def _read_record(**columns: object) -> CaseRecord:
    """The checklist and the waiting departure arrive as JSON."""
    return RECORD_ADAPTER.validate_python(columns)


async def lock_case(work: UnitOfWork, case_id: str) -> tuple[CaseRecord, Case]:
    """The row and the case, locked against everybody else who would move it. Raises `NotFound`."""
    record = require_found(
        await work.fetch_one(_read_record, "SELECT * FROM cases WHERE id = :id FOR UPDATE", id=case_id)
    )
    items = await work.fetch_all(
        CaseItem,
        """
        SELECT step, name, kind, what AS asks_for, receiver, after AS after_step, status, is_undo, reason,
               part AS move_kind, round, chunk
        FROM case_items WHERE case_id = :id ORDER BY position
        """,
        id=case_id,
    )
    steps = await work.fetch_rows(
        "SELECT name, status FROM case_steps WHERE case_id = :id AND status <> 'pending'", id=case_id
    )
    return record, make_case(record, items, {step["name"]: step["status"] for step in steps})


async def get_case(work: UnitOfWork, case_id: str) -> CaseRecord:
    """Raises `NotFound`."""
    return require_found(await work.fetch_one(_read_record, "SELECT * FROM cases WHERE id = :id", id=case_id))


async def get_visible_case(work: UnitOfWork, viewer: Viewer, case_id: str) -> CaseRecord:
    """The case's row, for those who may know of it. Raises `NotFound`."""
    return require_found(
        await work.fetch_one(
            _read_record,
            f"SELECT c.* FROM cases c WHERE c.id = :id AND {MAY_SEE_CASE}",
            id=case_id,
            **viewer_parameters(work, viewer),
        )
    )


async def exists_case(work: UnitOfWork, case_id: str) -> bool:
    return bool(await work.fetch_value("SELECT 1 FROM cases WHERE id = :id", id=case_id))


async def get_newest_case_id(work: UnitOfWork, employee_id: str, employment_id: str) -> str | None:
    """The newest case of this employment."""
    case_id: str | None = await work.fetch_value(
        """
        SELECT id FROM cases WHERE employee_id = :employee_id AND employment_id = :employment_id
        ORDER BY opened_at DESC, id DESC LIMIT 1
        """,
        employee_id=employee_id,
        employment_id=employment_id,
    )
    return case_id


async def get_next_case_past_last_day(work: UnitOfWork) -> CaseRecord | None:
    """A case whose last day is over and which has not heard of it."""
    return await work.fetch_one(
        _read_record,
        f"""
        SELECT * FROM cases
        WHERE status IN {OPEN_CASE_STATUSES} AND NOT last_day_over AND undo = '' AND last_day < :today
        ORDER BY last_day, id LIMIT 1
        """,
    )


async def list_uncancelled_cases_after(work: UnitOfWork, after_id: str, limit: int) -> list[CaseRecord]:
    """Those that are not cancelled, by id."""
    return await work.fetch_all(
        _read_record,
        "SELECT * FROM cases WHERE id > :after AND status <> 'cancelled' ORDER BY id LIMIT :limit",
        after=after_id,
        limit=limit,
    )


async def list_case_ids(work: UnitOfWork, employee_id: str) -> list[str]:
    """The cases of a leaver."""
    return await work.fetch_values("SELECT id FROM cases WHERE employee_id = :id", id=employee_id)


async def count_cases_needing_person(work: UnitOfWork) -> int:
    return int(await work.fetch_value("SELECT count(*) FROM cases WHERE status = 'needs_person'"))


async def insert_case(
    work: UnitOfWork, case: Case, departure: Departure, checklist: Sequence[ChecklistEntry]
) -> CaseRecord:
    inserted = await work.fetch_one(
        _read_record,
        """
        INSERT INTO cases (id, employee_id, employment_id, ref, caretakers, notice_on, last_day, table_version, checklist,
                           status, step, opened_at)
        VALUES (:id, :employee_id, :employment_id, :ref, CAST(:caretakers AS jsonb), :notice_on, :last_day, :version,
                CAST(:checklist AS jsonb), 'open', 'freeze', :now)
        RETURNING *
        """,
        id=case.id,
        employee_id=departure.employee_id,
        employment_id=departure.employment_id,
        ref=departure.ref,
        caretakers=json.dumps(departure.caretakers),
        notice_on=departure.notice_on,
        last_day=departure.last_day,
        version=case.table_version,
        checklist=dump_checklist(checklist),
    )
    return require_found(inserted)


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
    )
    old = {(item.step, item.name): item for item in before.items}
    changed = [
        {**vars(item), "position": position, "settled": item.is_settled}
        for position, item in enumerate(after.items)
        if old.get((item.step, item.name)) != item
    ]
    if changed:
        await work.execute(
            """
            INSERT INTO case_items AS i (case_id, step, name, position, kind, what, receiver, after, status, is_undo,
                                         reason, part, round, chunk, asked_at, settled_at, settled_by)
            SELECT :id, step, name, position, kind, asks_for, receiver, after_step, status, is_undo, reason, move_kind,
                   round, chunk,
                   CASE WHEN status <> 'pending' THEN CAST(:now AS timestamptz) END,
                   CASE WHEN settled THEN CAST(:now AS timestamptz) END, CASE WHEN settled THEN :actor END
            FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS n (step text, name text, position int, kind text,
                asks_for text, receiver text, after_step text, status text, is_undo boolean, reason text, move_kind text, round int,
                chunk int, settled boolean)
            ON CONFLICT (case_id, step, name) DO UPDATE
            SET status = excluded.status, reason = excluded.reason, settled_at = excluded.settled_at,
                settled_by = excluded.settled_by,
                asked_at = CASE WHEN i.status = 'pending' THEN excluded.asked_at ELSE i.asked_at END
            """,
            id=after.id,
            items=json.dumps(changed),
        )
    steps = [
        {
            "name": step.name,
            "status": after.get_step_status(step.name),
            "over": step.name in after.begun_steps and after.is_over(step.name),
        }
        for step in get_step_table(after)
        if step.name in after.begun_steps
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
    )


async def update_dates(work: UnitOfWork, case_id: str, notice_on: date, last_day: date) -> None:
    await work.execute(
        "UPDATE cases SET notice_on = :notice_on, last_day = :last_day WHERE id = :id",
        id=case_id,
        notice_on=notice_on,
        last_day=last_day,
    )


async def update_next_departure(work: UnitOfWork, case_id: str, departure: Departure | None) -> None:
    """The departure that waits until this case is undone."""
    await work.execute(
        "UPDATE cases SET next_departure = CAST(:departure AS jsonb) WHERE id = :id",
        id=case_id,
        departure=DEPARTURE_ADAPTER.dump_json(departure).decode() if departure else None,
    )


async def compute_and_save_figures(work: UnitOfWork, case_id: str) -> Mapping[str, int]:
    """Counts and saves what came of the handover: clients moved, kept and still to be visited, and items waived."""
    figures: Mapping[str, int] = await work.fetch_value(
        """
        UPDATE cases SET figures = jsonb_build_object(
            'clients', (SELECT count(DISTINCT client_id) FROM moves WHERE case_id = :id AND outcome = 'done'
                        AND part IN ('client', 'left_client')),
            'kept', (SELECT count(*) FROM (
                SELECT client_id FROM introductions WHERE case_id = :id AND status = 'confirmed'
                UNION SELECT client_id FROM visits WHERE case_id = :id AND outcome = 'kept') k),
            'visits', (SELECT count(*) FROM visits WHERE case_id = :id AND status = 'open'),
            'waived', (SELECT count(*) FROM case_items WHERE case_id = :id AND status = 'waived'))
        WHERE id = :id RETURNING figures
        """,
        id=case_id,
    )
    return figures


async def insert_timeline_entry(
    work: UnitOfWork, case_id: str, what: str, step: str | None = None, **details: str | int | bool | None
) -> None:
    """Says what happened in the case: ids and words of ours only."""
    await work.execute(
        """
        INSERT INTO timeline (case_id, at, what, step, by_id, details)
        VALUES (:case_id, :now, :what, :step, :actor, CAST(:details AS jsonb))
        """,
        case_id=case_id,
        what=what,
        step=step,
        details=json.dumps(details),
    )


async def list_cases(
    work: UnitOfWork, viewer: Viewer, paging: Paging, employee_id: str | None, status: str | None
) -> list[CaseRecord]:
    return await list_page(
        work,
        viewer,
        _read_record,
        f"""
        SELECT c.* FROM cases c WHERE {MAY_SEE_CASE} AND (CAST(:employee_id AS text) IS NULL OR c.employee_id = :employee_id)
        AND (CAST(:status AS text) IS NULL OR c.status = :status) AND (CAST(:after AS text) IS NULL OR c.id > :after)
        ORDER BY c.id LIMIT :fetch
        """,
        paging,
        employee_id=employee_id,
        status=status,
    )


async def list_timeline(work: UnitOfWork, paging: Paging, case_id: str) -> list[TimelineEntry]:
    return await work.fetch_all(
        TimelineEntry,
        """
        SELECT CAST(id AS text) AS id, at, what, step, by_id, details FROM timeline
        WHERE case_id = :case_id AND (CAST(:after AS bigint) IS NULL OR timeline.id > :after)
        ORDER BY timeline.id LIMIT :fetch
        """,
        case_id=case_id,
        after=paging.number,
        fetch=paging.fetch,
    )


# Introductions and visits are counted per person: there may be thousands. `for_head` marks what waits for the head of sales
# of the case.
LIST_WAITING = f"""
    SELECT t.case_id, t.kind AS what, t.assignee_id AS who_id, t.opened_at AS since, t.due_on, 1 AS number, false AS for_head
    FROM tasks t WHERE t.case_id = ANY(:ids) AND t.status = 'open'
    UNION ALL
    SELECT case_id, CASE WHEN status = 'failed' THEN reason ELSE 'plan_approval' END, NULL, asked_at, NULL, 1, true
    FROM case_items WHERE case_id = ANY(:ids) AND (status = 'failed' OR what = 'approval' AND status = 'asked')
    UNION ALL
    SELECT case_id, 'introductions', CASE WHEN status IN ('accepted', 'briefed') THEN from_id ELSE to_id END,
           min(changed_at), min(due_on), count(*), false
    FROM introductions WHERE case_id = ANY(:ids) AND status IN {OPEN_STATUSES} GROUP BY 1, 3
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


async def list_waiting_by_case(
    work: UnitOfWork, records: Sequence[CaseRecord], head_of_sales_by_leaver: Mapping[str, str | None]
) -> dict[str, list[Waiting]]:
    """By case what it waits for and since when; empty for a case that is over."""
    open_records = {record.id: record for record in records if record.is_open}
    waiting: dict[str, list[Waiting]] = {record.id: [] for record in records}

    for row in await work.fetch_rows(LIST_WAITING, ids=list(open_records)) if open_records else ():
        head_id = head_of_sales_by_leaver.get(open_records[row["case_id"]].employee_id) if row["for_head"] else None
        waiting[row["case_id"]].append(
            Waiting(row["what"], row["who_id"] or head_id, row["since"], row["due_on"], row["number"])
        )
    return waiting


async def list_begun_steps(work: UnitOfWork, case_ids: Sequence[str]) -> dict[str, list[StepProgress]]:
    """By case the steps that have begun."""
    steps: dict[str, list[StepProgress]] = {case_id: [] for case_id in case_ids}
    begun = await work.fetch_rows(
        f"""
        SELECT s.case_id, s.name, s.status, s.started_at, s.finished_at,
               count(i.name) FILTER (WHERE NOT i.is_undo) AS items,
               count(i.name) FILTER (WHERE NOT i.is_undo AND i.status IN {SETTLED_ITEM_STATUSES}) AS done
        FROM case_steps s LEFT JOIN case_items i ON i.case_id = s.case_id AND i.step = s.name
        WHERE s.case_id = ANY(:ids) GROUP BY 1, 2, 3, 4, 5
        """,
        ids=list(case_ids),
    )
    for step in begun:
        steps[step["case_id"]].append(StepProgress(**{name: step[name] for name in step if name != "case_id"}))
    return steps


async def erase_skip_reasons(work: UnitOfWork, case_ids: Sequence[str], employee_id: str) -> int:
    """Why somebody dropped something: in these cases, or this person anywhere. How many."""
    return await work.execute(
        """
        UPDATE case_items SET reason = NULL
        WHERE (case_id = ANY(:cases) OR settled_by = :id) AND status = 'skipped' AND reason IS NOT NULL
        """,
        cases=list(case_ids),
        id=employee_id,
    )
