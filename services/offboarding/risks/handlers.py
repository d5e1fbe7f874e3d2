"""The job `ranking`: every client's risk, and visits to the top of the list."""

import asyncio
import json
from collections.abc import Mapping, Sequence

from services.offboarding.assignees.handlers import lock_chosen_assignee
from services.offboarding.assignees.store import get_head_of_sales
from services.offboarding.cases.store import insert_timeline_entry
from services.offboarding.jobs.handlers import JobResult
from services.offboarding.other_services import fetch_portfolio, fetch_sales_phase
from services.offboarding.permissions.rules import Row
from services.offboarding.risks import rules
from services.offboarding.saga import Case
from services.offboarding.visits.lifecycle import open_visits
from shared.database import UnitOfWork
from shared.service import Runtime


async def compute_ranking(runtime: Runtime, row: Row) -> JobResult:
    """The leaver's clients by risk."""
    leaver = row["employee_id"]
    clients = await fetch_portfolio(runtime.calls, leaver)
    phase = await fetch_sales_phase(runtime.calls, leaver)

    def compute() -> tuple[Sequence[rules.ClientRisk], str]:
        exposed = [
            rules.ClientExposure(
                client_id=client["client_id"],
                value=float(client["value"] or 0),
                known_by=client["scores"],
                team=client["team"],
                reads=client["reads"],
                exports=client["exports"],
            )
            for client in clients
        ]
        ranked = rules.rank_clients(leaver, exposed, phase)
        return ranked, risks_to_json(ranked)

    ranked, rows = await asyncio.to_thread(compute)

    async def write(work: UnitOfWork, row: Row, case: Case) -> Mapping[str, int]:
        return await save_ranking(work, row, ranked, rows)

    return JobResult(write)


async def save_ranking(work: UnitOfWork, row: Row, risks: Sequence[rules.ClientRisk], rows: str) -> Mapping[str, int]:
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
    head = await lock_chosen_assignee(work, lambda: get_head_of_sales(work, row["employee_id"]))
    clients = [{"client_id": risk.client_id, "rank": risk.rank, "why": list(risk.why)} for risk in top]
    await open_visits(work, row, clients, head)
    await insert_timeline_entry(work, row["id"], "clients_ranked", "assess", clients=len(risks), visits=len(top))
    return {}


def risks_to_json(risks: Sequence[rules.ClientRisk]) -> str:
    return json.dumps(
        [{"client_id": risk.client_id, "rank": risk.rank, "score": risk.score, "why": risk.why} for risk in risks]
    )
