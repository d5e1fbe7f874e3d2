"""How a case opens visits; nothing here moves the case."""

import json
from collections.abc import Sequence
from datetime import date

from services.offboarding.cases.store import insert_timeline_entry
from services.offboarding.permissions.rules import Row
from services.offboarding.saga import Case
from services.offboarding.visits import rules
from shared.contracts.offboarding import VisitOpened
from shared.database import UnitOfWork


async def open_visits(
    work: UnitOfWork, row: Row, clients: Sequence[Row], assignee: str | None, first: int = 1, why: Sequence[str] = ()
) -> None:
    """A visit to each client (`client_id, rank, why`) that has none open, so many a day as people can make."""
    works, per_day = rules.working_day_calendar(work.settings.holidays), work.settings.visits_per_day
    waiting = await work.fetch_value(
        "SELECT count(*) FROM visits WHERE assignee_id = :assignee AND status = 'open'", assignee=assignee
    )
    first += waiting // per_day
    days: Sequence[date] = rules.spread_over_working_days(work.today, first, len(clients), per_day, works)
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
    work.publish(*(make_visit_opened(row, visit) for visit in opened))
    if opened:
        await insert_timeline_entry(work, row["id"], "visits_opened", number=len(opened))


def make_visit_opened(row: Row, visit: Row) -> VisitOpened:
    return VisitOpened(
        case_id=row["id"],
        employee_id=row["employee_id"],
        visit_id=visit["id"],
        client_id=visit["client_id"],
        assignee_id=visit["assignee_id"],
        due_on=visit["due_on"],
        rank=visit["rank"],
    )


async def open_visits_to_remainder(work: UnitOfWork, row: Row, case: Case, version: int, chunk: int) -> None:
    """A visit to each client of the chunk, by whoever has it now."""
    left = await work.fetch_rows(
        """
        SELECT m.client_id, coalesce(r.rank, 0) AS rank, m.to_id FROM moves m
        LEFT JOIN risks r ON r.case_id = m.case_id AND r.client_id = m.client_id
        WHERE m.case_id = :id AND m.version = :version AND m.part = 'left_client' AND m.chunk = :chunk AND m.outcome = 'done'
        ORDER BY coalesce(r.rank, 2000000000), m.client_id
        """,
        id=case.id,
        version=version,
        chunk=chunk,
    )
    if left:
        clients = [{"client_id": one["client_id"], "rank": one["rank"], "why": ["no_successor"]} for one in left]
        await open_visits(work, row, clients, left[0]["to_id"], first=work.settings.visit_days)
