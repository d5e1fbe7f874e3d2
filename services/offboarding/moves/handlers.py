"""The job `remainder`: what is still of record with the leaver at the end is written through to the stand-in."""

import asyncio
from collections.abc import Mapping, Sequence

from services.offboarding.assignees.handlers import choose_caretaker
from services.offboarding.cases.store import insert_timeline_entry
from services.offboarding.jobs.handlers import JobResult
from services.offboarding.moves import rules, store
from services.offboarding.other_services import fetch_open_stages, fetch_portfolio
from services.offboarding.permissions.rules import Row
from services.offboarding.saga import Case
from shared.database import UnitOfWork
from shared.service import Runtime


async def compute_remainder(runtime: Runtime, row: Row) -> JobResult:
    """What is still of record with the leaver when everything else is done."""
    clients = await fetch_portfolio(runtime.calls, row["employee_id"])
    stages = await fetch_open_stages(runtime.calls, row["employee_id"])

    def compute() -> list[str]:
        rows = [{"part": "left_client", "client_id": one["client_id"], "effort": one["effort"]} for one in clients]
        rows += [
            {"part": "left_stage", **{name: one[name] for name in ("client_id", "order_id", "stage", "effort")}}
            for one in stages
        ]
        return rules.split_into_json(rows)

    moves = await asyncio.to_thread(compute)

    async def write(work: UnitOfWork, row: Row, case: Case) -> Mapping[str, int]:
        return await save_remainder(work, row, case, moves)

    return JobResult(write)


async def save_remainder(work: UnitOfWork, row: Row, case: Case, moves: Sequence[str]) -> Mapping[str, int]:
    """Cuts the remainder (rows as JSON, in parts) into chunks; returns how many. Without any stand-in it stays, listed."""
    await work.execute(
        "DELETE FROM moves WHERE case_id = :id AND version = :version AND part IN ('left_client', 'left_stage')",
        id=case.id,
        version=case.round,
    )
    employment = await work.fetch_value(
        "SELECT employment_id FROM people WHERE employee_id = :id", id=row["employee_id"]
    )
    if employment != row["employment_id"]:
        moves = ()  # whoever was rehired holds what they hold in the new employment
    for part in moves:
        await store.insert_moves(work, case.id, case.round, part)
    await work.execute(
        """
        UPDATE moves SET to_id = :to_id, unplaced = CASE WHEN CAST(:to_id AS text) IS NULL THEN 'no_stand_in' END
        WHERE case_id = :id AND version = :version AND part IN ('left_client', 'left_stage')
        """,
        id=case.id,
        version=case.round,
        to_id=await choose_caretaker(work, row),
    )
    chunks = await store.update_chunks(work, case.id, case.round, rules.CHUNK_SIZE, ("left_client", "left_stage"))
    await insert_timeline_entry(
        work, case.id, "remainder_found", "clear", **{f"{part}_chunks": n for part, n in chunks.items()}
    )
    return {"left_clients": chunks.get("left_client", 0), "left_stages": chunks.get("left_stage", 0)}
