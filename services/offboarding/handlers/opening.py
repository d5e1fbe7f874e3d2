"""Opens what people must do: tasks, introductions, visits. Rows and their events; nothing here moves the case."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from services.offboarding.domain import checklist
from services.offboarding.domain.risk import form_of
from services.offboarding.domain.working_days import calendar, spread, working_day_after, working_day_before
from services.offboarding.saga import Case, Item
from services.offboarding.store import cases, people
from shared.contracts.offboarding import IntroductionChanged, TaskOpened, VisitOpened
from shared.database import UnitOfWork

Row = Mapping[str, Any]


async def open_task(work: UnitOfWork, row: Row, case: Case, item: Item) -> None:
    """The task of this item, for whom the checklist names; the leaver's part is the manager's once the last day is over."""
    entry = next(entry for entry in checklist.from_rows(row["checklist"]) if entry.kind == item.what)
    assignee = await people.held(work, lambda: _assignee(work, row, case, entry.who))
    works = calendar(work.settings.holidays)
    task = await work.fetch_row(
        """
        INSERT INTO tasks (id, case_id, kind, title, who, assignee_id, due_on, status, opened_at)
        VALUES (CAST(md5(:name) AS uuid)::text, :case_id, :kind, :title, :who, :assignee, :due, 'open', :now)
        ON CONFLICT (id) DO NOTHING RETURNING id, kind, assignee_id, due_on
        """,
        name=case.id_of(item),
        case_id=case.id,
        kind=entry.kind,
        title=entry.title,
        who=entry.who,
        assignee=assignee,
        due=checklist.due(entry, row["notice_on"], row["last_day"], work.today, works),
        now=work.now,
    )
    if task is not None:
        work.publish(task_event(TaskOpened, row, task))


async def _assignee(work: UnitOfWork, row: Row, case: Case, who: str) -> str | None:
    leaver: str = row["employee_id"]
    match who:
        case "leaver":
            return await people.manager(work, leaver) if case.last_day_over else leaver
        case "successor":
            return await people.successor(work, case.id) or await people.manager(work, leaver)
        case "manager":
            return await people.manager(work, leaver)
        case "sales_head":
            return await people.head_of_sales(work, leaver)
        case _:
            return None


def task_event(event: type[Any], row: Row, task: Row) -> Any:
    return event(
        case_id=row["id"],
        employee_id=row["employee_id"],
        task_id=task["id"],
        kind=task["kind"],
        assignee_id=task["assignee_id"],
        due_on=task["due_on"],
    )


async def propose_introductions(work: UnitOfWork, row: Row, case: Case, version: int, chunk: int) -> None:
    """An introduction for each client of the chunk that has moved and is not closed; a visit, where the last day is over."""
    moved = await work.fetch_rows(
        """
        SELECT m.client_id, coalesce(p.stand_in_id, m.to_id) AS to_id, coalesce(r.rank, 0) AS rank,
               (SELECT count(*) FROM risks WHERE case_id = :case_id) AS clients
        FROM moves m LEFT JOIN risks r ON r.case_id = m.case_id AND r.client_id = m.client_id
        LEFT JOIN people p ON p.employee_id = m.to_id
        WHERE m.case_id = :case_id AND m.version = :version AND m.part = 'client' AND m.chunk = :chunk AND m.outcome = 'done'
          AND NOT m.about ? 'closed'
        """,
        case_id=case.id,
        version=version,
        chunk=chunk,
    )
    if not moved:
        return
    if case.last_day_over:
        clients = [
            {"client_id": client["client_id"], "rank": client["rank"], "why": ["not_introduced"]} for client in moved
        ]
        await open_visits(work, row, clients, await caretaker(work, row), first=work.settings.visit_days)
        return
    works = calendar(work.settings.holidays)
    last = max(working_day_before(row["last_day"], 1, works), work.today)
    due = {form: min(working_day_after(work.today, days, works), last) for form, days in DAYS.items()}
    rows = []
    for client in moved:
        form = form_of(client["rank"], client["clients"]) if client["rank"] else "letter"
        rows.append({**client, "form": form, "due_on": due[form].isoformat()})
    opened = await work.fetch_rows(
        """
        INSERT INTO introductions (id, case_id, client_id, from_id, to_id, form, status, due_on, rank, opened_at, changed_at)
        SELECT CAST(md5(:case_id || '/introduction/' || client_id) AS uuid)::text, :case_id, client_id, :leaver, to_id,
               form, 'proposed', due_on, rank, :now, :now
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS n (client_id text, to_id text, form text, due_on date, rank int)
        ON CONFLICT (id) DO NOTHING RETURNING *
        """,
        case_id=case.id,
        leaver=row["employee_id"],
        rows=json.dumps(rows),
        now=work.now,
    )
    work.publish(*(introduction_event(row, introduction) for introduction in opened))


DAYS = {"meeting": 5, "call": 8, "letter": 10}  # working days until the introduction is due, never past the last day


def introduction_event(row: Row, introduction: Row) -> IntroductionChanged:
    return IntroductionChanged(
        case_id=row["id"],
        employee_id=row["employee_id"],
        introduction_id=introduction["id"],
        client_id=introduction["client_id"],
        from_id=introduction["from_id"],
        to_id=introduction["to_id"],
        status=introduction["status"],
        due_on=introduction["due_on"],
    )


async def introductions_left(work: UnitOfWork, case_id: str) -> bool:
    left: bool = await work.fetch_value(
        """
        SELECT EXISTS (SELECT 1 FROM introductions WHERE case_id = :case_id
                       AND status IN ('proposed', 'accepted', 'briefed', 'introduced'))
        """,
        case_id=case_id,
    )
    return left


async def open_visits(
    work: UnitOfWork, row: Row, clients: Sequence[Row], assignee: str | None, first: int = 1, why: Sequence[str] = ()
) -> None:
    """A visit to each client (`client_id, rank, why`) that has none open, so many a day as people can make."""
    works, per_day = calendar(work.settings.holidays), work.settings.visits_per_day
    waiting = await work.fetch_value(
        "SELECT count(*) FROM visits WHERE assignee_id = :assignee AND status = 'open'", assignee=assignee
    )
    first += waiting // per_day
    days: Sequence[date] = spread(work.today, first, len(clients), per_day, works)
    rows = [
        {
            "client_id": client["client_id"],
            "rank": client["rank"],
            "why": [*client["why"], *why],
            "due_on": day.isoformat(),
        }
        for client, day in zip(clients, days, strict=True)
    ]
    opened = await work.fetch_rows(
        """
        INSERT INTO visits (id, case_id, client_id, rank, why, due_on, assignee_id, status, opened_at)
        SELECT CAST(md5(:case_id || '/visit/' || n.client_id || '/' || (SELECT count(*) FROM visits v
                    WHERE v.case_id = :case_id AND v.client_id = n.client_id)) AS uuid)::text,
               :case_id, client_id, rank, why, due_on, :assignee, 'open', :now
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS n (client_id text, rank int, why jsonb, due_on date)
        WHERE NOT EXISTS (SELECT 1 FROM visits v WHERE v.case_id = :case_id AND v.client_id = n.client_id AND v.status = 'open')
        RETURNING *
        """,
        case_id=row["id"],
        rows=json.dumps(rows),
        assignee=assignee,
        now=work.now,
    )
    work.publish(*(visit_event(row, visit) for visit in opened))
    if opened:
        await cases.note(work, row["id"], "visits_opened", number=len(opened))


def visit_event(row: Row, visit: Row) -> VisitOpened:
    return VisitOpened(
        case_id=row["id"],
        employee_id=row["employee_id"],
        visit_id=visit["id"],
        client_id=visit["client_id"],
        assignee_id=visit["assignee_id"],
        due_on=visit["due_on"],
        rank=visit["rank"],
    )


async def caretaker(work: UnitOfWork, row: Row) -> str | None:
    """Who has the leaver's clients in hand: the stand-in, else the head of sales. Held, see `people.held`."""
    leaver: str = row["employee_id"]

    async def choose() -> str | None:
        return await people.stand_in(work, leaver) or await people.head_of_sales(work, leaver)

    return await people.held(work, choose)
