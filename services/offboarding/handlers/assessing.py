"""What the assessment found: every client's risk, and visits to the top of the list."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.offboarding.domain.risk import Risk
from services.offboarding.handlers.opening import open_visits
from services.offboarding.store import cases, people
from shared.database import UnitOfWork

Row = Mapping[str, Any]


async def keep_ranking(work: UnitOfWork, row: Row, risks: Sequence[Risk], rows: str) -> Mapping[str, int]:
    """`rows` are the risks as JSON. As many become visits as can be made within the days that a visit may take."""
    await work.execute("DELETE FROM risks WHERE case_id = :case_id", case_id=row["id"])
    await work.execute(
        """
        INSERT INTO risks (case_id, client_id, rank, score, why)
        SELECT :case_id, client_id, rank, score, why
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (client_id text, rank int, score float, why jsonb)
        """,
        case_id=row["id"],
        rows=rows,
    )
    top = risks[: work.settings.visit_days * work.settings.visits_per_day]
    head = await people.held(work, lambda: people.head_of_sales(work, row["employee_id"]))
    clients = [{"client_id": risk.client_id, "rank": risk.rank, "why": list(risk.why)} for risk in top]
    await open_visits(work, row, clients, head)
    await cases.note(work, row["id"], "clients_ranked", "assess", clients=len(risks), visits=len(top))
    return {}


def as_rows(risks: Sequence[Risk]) -> str:
    return json.dumps(
        [{"client_id": risk.client_id, "rank": risk.rank, "score": risk.score, "why": risk.why} for risk in risks]
    )
