"""The job `remainder`: what is still of record with the leaver at the end is written through to the stand-in."""

from collections.abc import Mapping, Sequence

from services.offboarding.assignees.handlers import lock_caretaker
from services.offboarding.assignees.store import get_employment_id
from services.offboarding.cases.rules import CaseRecord
from services.offboarding.cases.store import insert_timeline_entry
from services.offboarding.jobs.handlers import JobResult
from services.offboarding.moves import store
from services.offboarding.moves.rules import Move
from services.offboarding.portfolios.requests import fetch_open_stages, fetch_portfolio
from services.offboarding.saga import Case
from shared.database import UnitOfWork
from shared.service import Runtime


async def prepare_remainder_moves(runtime: Runtime, record: CaseRecord) -> JobResult:
    """What is still of record with the leaver when everything else is done."""
    clients = await fetch_portfolio(runtime.http_client, record.employee_id)
    stages = await fetch_open_stages(runtime.http_client, record.employee_id)

    moves = [Move("left_client", client.client_id, effort=client.effort) for client in clients]
    moves += [Move("left_stage", stage.client_id, stage.order_id, stage.stage, effort=stage.effort) for stage in stages]

    async def write(work: UnitOfWork, record: CaseRecord, case: Case) -> Mapping[str, int]:
        return await save_remainder(work, record, case, moves)

    return JobResult(write)


async def save_remainder(work: UnitOfWork, record: CaseRecord, case: Case, moves: Sequence[Move]) -> Mapping[str, int]:
    """Cuts the remainder into chunks; returns how many. Without any stand-in it stays, listed."""
    await store.delete_remainder(work, case.id, case.round)
    if await get_employment_id(work, record.employee_id) != record.employment_id:
        moves = ()  # whoever was rehired holds what they hold in the new employment
    await store.insert_moves(work, case.id, case.round, moves)
    caretaker_id = await lock_caretaker(work, record.employee_id)
    await store.give_remainder_to_caretaker(work, case.id, case.round, caretaker_id)
    chunks = await store.cut_into_chunks(work, case.id, case.round, ("left_client", "left_stage"))
    counts = {f"{kind}_chunks": number for kind, number in chunks.items()}
    await insert_timeline_entry(work, case.id, "remainder_found", "clear", **counts)
    return {"left_clients": chunks.get("left_client", 0), "left_stages": chunks.get("left_stage", 0)}
