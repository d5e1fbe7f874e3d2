"""The job `figures`: how the transferred clients do since, computed every week for 12 months."""

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from services.offboarding.follow_up import rules, store
from services.offboarding.jobs.handlers import JobResult
from services.offboarding.moves.rules import split_into_json
from services.offboarding.moves.store import list_transferred_clients
from services.offboarding.other_services import fetch_figures
from services.offboarding.permissions.rules import Row
from services.offboarding.saga import Case
from shared.database import UnitOfWork
from shared.service import Runtime


async def compute_follow_up(runtime: Runtime, row: Row) -> JobResult:
    """How the transferred clients do since, against the same days a year before; every week for 12 months."""
    now = runtime.clock()
    today = now.astimezone(ZoneInfo(runtime.settings.timezone)).date()
    since: date = (row["cleared_at"] or now).astimezone(ZoneInfo(runtime.settings.timezone)).date()
    until = min(today, since + rules.YEAR)
    moved = await runtime.transact(list_transferred_clients, row["id"])
    rows = []
    for start in range(0, len(moved), 1_000):
        part = moved[start : start + 1_000]
        ids = [one["client_id"] for one in part]
        after = await fetch_figures(runtime.calls, ids, since.isoformat(), until.isoformat())
        before = await fetch_figures(
            runtime.calls, ids, (since - rules.YEAR).isoformat(), (until - rules.YEAR).isoformat()
        )
        rows += rules.compare_figures(part, after, before)
    parts = await asyncio.to_thread(split_into_json, rows)

    async def write(work: UnitOfWork, row: Row, case: Case) -> Mapping[str, int]:
        await store.update_follow_up(work, row["id"], since, until, parts)
        return {}

    over = today >= since + rules.YEAR
    return JobResult(write, None if over else now + timedelta(days=7))
