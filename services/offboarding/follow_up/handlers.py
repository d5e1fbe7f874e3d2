"""The job `figures`: how the transferred clients do since, computed every week for 12 months."""

from collections.abc import Mapping
from datetime import timedelta

from services.offboarding.cases.rules import CaseRecord
from services.offboarding.follow_up.store import delete_follow_ups, insert_follow_ups
from services.offboarding.jobs.handlers import JobResult
from services.offboarding.moves.store import list_transferred_clients
from services.offboarding.portfolios.requests import fetch_order_figures
from services.offboarding.saga import Case
from shared.calendar import get_local_day
from shared.database import UnitOfWork
from shared.service import Runtime

YEAR = timedelta(days=365)
CLIENTS_AT_ONCE = 1_000


async def collect_follow_up_figures(runtime: Runtime, record: CaseRecord) -> JobResult:
    """How the transferred clients do since, against the same days a year before; every week for 12 months."""
    now = runtime.clock()
    today = get_local_day(now, runtime.settings.timezone)
    since = get_local_day(record.cleared_at or now, runtime.settings.timezone)
    until = min(today, since + YEAR)
    transferred = await runtime.transact(list_transferred_clients, record.id)
    found = []
    for start in range(0, len(transferred), CLIENTS_AT_ONCE):
        clients = transferred[start : start + CLIENTS_AT_ONCE]
        ids = [client.client_id for client in clients]
        figures = await fetch_order_figures(runtime.http_client, ids, since, until)
        figures_before = await fetch_order_figures(runtime.http_client, ids, since - YEAR, until - YEAR)
        found.append((clients, figures, figures_before))

    async def write(work: UnitOfWork, record: CaseRecord, case: Case) -> Mapping[str, int]:
        await delete_follow_ups(work, record.id)
        for some in found:
            await insert_follow_ups(work, record.id, since, until, *some)
        return {}

    is_over = today >= since + YEAR
    return JobResult(write, None if is_over else now + timedelta(days=7))
