"""The job `ranking`: every client's risk, and visits to the top of the list."""

import asyncio
from collections.abc import Mapping, Sequence

from services.offboarding.assignees.handlers import choose_and_lock_assignee
from services.offboarding.assignees.store import get_head_of_sales
from services.offboarding.cases.rules import CaseRecord
from services.offboarding.cases.store import insert_timeline_entry
from services.offboarding.jobs.handlers import JobResult
from services.offboarding.portfolios.requests import fetch_portfolio, fetch_sales_phase
from services.offboarding.risks.rules import ClientRisk, rank_clients
from services.offboarding.risks.store import replace_risks
from services.offboarding.saga import Case
from services.offboarding.visits.lifecycle import open_visits
from services.offboarding.visits.rules import ClientToVisit
from shared.database import UnitOfWork
from shared.service import Runtime


async def rank_clients_and_open_visits(runtime: Runtime, record: CaseRecord) -> JobResult:
    """The leaver's clients by risk."""
    leaver_id = record.employee_id
    clients = await fetch_portfolio(runtime.http_client, leaver_id)
    phase = await fetch_sales_phase(runtime.http_client, leaver_id)
    risks = await asyncio.to_thread(rank_clients, leaver_id, clients, phase)

    async def write(work: UnitOfWork, record: CaseRecord, case: Case) -> Mapping[str, int]:
        await replace_risks(work, record.id, risks)
        await _open_visits_to_top(work, record, risks)
        return {}

    return JobResult(write)


async def _open_visits_to_top(work: UnitOfWork, record: CaseRecord, risks: Sequence[ClientRisk]) -> None:
    """As many become visits as can be made within the days that a visit may take."""
    top = risks[: work.settings.visit_days * work.settings.visits_per_day]
    head_id = await choose_and_lock_assignee(work, lambda work: get_head_of_sales(work, record.employee_id))
    await open_visits(work, record, [ClientToVisit(risk.client_id, risk.rank, risk.reasons) for risk in top], head_id)
    await insert_timeline_entry(work, record.id, "clients_ranked", "assess", clients=len(risks), visits=len(top))
