"""The jobs of a case: what each reads from the other services, computes in a thread, and leaves to be written."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.offboarding import directory
from services.offboarding.domain import risk
from services.offboarding.handlers import assessing, following, planning, proposing, remaining
from services.offboarding.jobs.queue import Compute, Found
from services.offboarding.saga import Case
from shared.database import UnitOfWork
from shared.service import Runtime

Row = Mapping[str, Any]


async def rank(runtime: Runtime, row: Row) -> Found:
    """The leaver's clients by risk."""
    leaver = row["employee_id"]
    clients = await directory.portfolio(runtime.calls, leaver)
    phase = await directory.sales_phase(runtime.calls, leaver)

    def compute() -> tuple[Sequence[risk.Risk], str]:
        exposed = [
            risk.Exposed(
                client_id=client["client_id"],
                value=float(client["value"] or 0),
                known_by=client["scores"],
                team=client["team"],
                reads=client["reads"],
                exports=client["exports"],
            )
            for client in clients
        ]
        ranked = risk.rank(leaver, exposed, phase)
        return ranked, assessing.as_rows(ranked)

    ranked, rows = await asyncio.to_thread(compute)

    async def write(work: UnitOfWork, row: Row, case: Case) -> Mapping[str, int]:
        return await assessing.keep_ranking(work, row, ranked, rows)

    return Found(write)


async def draft(runtime: Runtime, row: Row) -> Found:
    """Who takes over what."""
    proposal = await proposing.propose(runtime, row["employee_id"], row["employment_id"])

    async def write(work: UnitOfWork, row: Row, case: Case) -> Mapping[str, int]:
        return await planning.keep_draft(work, row, case, proposal.plan, proposal.rows, proposal.loads)

    return Found(write)


async def remainder(runtime: Runtime, row: Row) -> Found:
    """What is still of record with the leaver when everything else is done."""
    clients = await directory.portfolio(runtime.calls, row["employee_id"])
    stages = await directory.open_stages(runtime.calls, row["employee_id"])

    def compute() -> list[str]:
        rows = [{"part": "left_client", "client_id": one["client_id"], "effort": one["effort"]} for one in clients]
        rows += [
            {"part": "left_stage", **{name: one[name] for name in ("client_id", "order_id", "stage", "effort")}}
            for one in stages
        ]
        return proposing.parts(rows)

    moves = await asyncio.to_thread(compute)

    async def write(work: UnitOfWork, row: Row, case: Case) -> Mapping[str, int]:
        return await remaining.write_through(work, row, case, moves)

    return Found(write)


async def follow_up(runtime: Runtime, row: Row) -> Found:
    """How the transferred clients do since, against the same days a year before; every week for 12 months."""
    now = runtime.clock()
    today = now.astimezone(ZoneInfo(runtime.settings.timezone)).date()
    since: date = (row["cleared_at"] or now).astimezone(ZoneInfo(runtime.settings.timezone)).date()
    until = min(today, since + following.YEAR)
    moved = await runtime.transact(following.transferred, row["id"])
    rows = []
    for start in range(0, len(moved), 1_000):
        part = moved[start : start + 1_000]
        ids = [one["client_id"] for one in part]
        after = await directory.figures(runtime.calls, ids, since.isoformat(), until.isoformat())
        before = await directory.figures(
            runtime.calls, ids, (since - following.YEAR).isoformat(), (until - following.YEAR).isoformat()
        )
        rows += following.compare(part, after, before)
    parts = await asyncio.to_thread(proposing.parts, rows)

    async def write(work: UnitOfWork, row: Row, case: Case) -> Mapping[str, int]:
        await following.keep(work, row["id"], since, until, parts)
        return {}

    over = today >= since + following.YEAR
    return Found(write, None if over else now + timedelta(days=7))


KINDS: Mapping[str, Compute] = {"ranking": rank, "draft": draft, "remainder": remainder, "figures": follow_up}
