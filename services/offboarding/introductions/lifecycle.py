"""How a case proposes introductions; nothing here moves the case."""

import json

from services.offboarding.assignees.handlers import choose_caretaker
from services.offboarding.introductions import rules
from services.offboarding.permissions.rules import Row
from services.offboarding.saga import Case
from services.offboarding.visits.lifecycle import open_visits
from services.offboarding.visits.rules import add_working_days, subtract_working_days, working_day_calendar
from shared.contracts.offboarding import IntroductionChanged
from shared.database import UnitOfWork


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
        await open_visits(work, row, clients, await choose_caretaker(work, row), first=work.settings.visit_days)
        return
    works = working_day_calendar(work.settings.holidays)
    last = max(subtract_working_days(row["last_day"], 1, works), work.today)
    due = {form: min(add_working_days(work.today, days, works), last) for form, days in rules.DAYS_UNTIL_DUE.items()}
    rows = []
    for client in moved:
        form = rules.choose_introduction_form(client["rank"], client["clients"]) if client["rank"] else "letter"
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
    work.publish(*(make_introduction_changed(row, introduction) for introduction in opened))


def make_introduction_changed(row: Row, introduction: Row) -> IntroductionChanged:
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
