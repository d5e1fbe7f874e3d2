"""What is still of record with the leaver at the end is written through to the stand-in, and each client visited."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.offboarding.handlers.asking import CHUNK
from services.offboarding.handlers.opening import caretaker, open_visits
from services.offboarding.saga import Case
from services.offboarding.store import cases, plans
from shared.database import UnitOfWork

Row = Mapping[str, Any]


async def write_through(work: UnitOfWork, row: Row, case: Case, moves: Sequence[str]) -> Mapping[str, int]:
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
        await plans.keep_moves(work, case.id, case.round, part)
    await work.execute(
        """
        UPDATE moves SET to_id = :to_id, unplaced = CASE WHEN CAST(:to_id AS text) IS NULL THEN 'no_stand_in' END
        WHERE case_id = :id AND version = :version AND part IN ('left_client', 'left_stage')
        """,
        id=case.id,
        version=case.round,
        to_id=await caretaker(work, row),
    )
    chunks = await plans.cut(work, case.id, case.round, CHUNK, ("left_client", "left_stage"))
    await cases.note(work, case.id, "remainder_found", "clear", **{f"{part}_chunks": n for part, n in chunks.items()})
    return {"left_clients": chunks.get("left_client", 0), "left_stages": chunks.get("left_stage", 0)}


async def visit_remainder(work: UnitOfWork, row: Row, case: Case, version: int, chunk: int) -> None:
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
