"""The case as rows, and back."""

import json
from collections.abc import Mapping
from typing import Any

from services.offboarding.domain.checklist import from_rows
from services.offboarding.saga import Case, Item, Wanted, table
from shared.database import UnitOfWork

Row = Mapping[str, Any]


async def load(work: UnitOfWork, case_id: str, lock: bool = True) -> tuple[Row, Case] | None:
    """The row and the case, locked against everybody else who would move it."""
    row = await work.fetch_row(f"SELECT * FROM cases WHERE id = :id {'FOR UPDATE' if lock else ''}", id=case_id)
    if row is None:
        return None
    items = await work.fetch_rows("SELECT * FROM case_items WHERE case_id = :id ORDER BY position", id=case_id)
    steps = await work.fetch_rows(
        "SELECT name, status FROM case_steps WHERE case_id = :id AND status <> 'pending'", id=case_id
    )
    return row, to_case(row, items, {step["name"]: step["status"] for step in steps})


def to_case(row: Row, items: Any, steps: Mapping[str, str]) -> Case:
    case = Case(
        id=row["id"],
        wanted=tuple(Wanted(entry.kind, entry.after_transfer) for entry in from_rows(row["checklist"])),
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
    order = [step.name for step in table(case)]
    begun = tuple(sorted(steps, key=order.index))
    undone = tuple(name for name in reversed(begun) if steps[name] == "undone")
    return Case(**{**vars(case), "begun": begun, "undone": undone})


async def exists(work: UnitOfWork, case_id: str) -> bool:
    return bool(await work.fetch_value("SELECT 1 FROM cases WHERE id = :id", id=case_id))


async def find(work: UnitOfWork, employee_id: str, employment_id: str) -> str | None:
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


async def save(work: UnitOfWork, before: Case, after: Case) -> None:
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
        for step in table(after)
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


async def note(
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
