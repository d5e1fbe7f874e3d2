"""The moves of a case: what a plan gives to whom, in which chunk, and with which outcome."""

import asyncio
import json
from collections.abc import Sequence

from pydantic import TypeAdapter

from services.offboarding.moves.rules import (
    CHUNK_SIZE,
    SETTLED_OUTCOMES,
    Chunk,
    CommandedMove,
    Move,
    MovedClient,
    PlanEdit,
)
from shared.contracts.clients import CommandAnswered, Result
from shared.database import UnitOfWork
from shared.records import get_fields

ROWS_PER_STATEMENT = 5_000
MOVE_ADAPTER = TypeAdapter(Move)

IN_CHUNK = "m.case_id = :case_id AND m.version = :version AND m.part = :move_kind AND m.chunk = :number"
IS_REMAINDER = "case_id = :case_id AND version = :version AND part IN ('left_client', 'left_stage')"


def _read_move(**columns: object) -> Move:
    """What a stage needs arrives as JSON."""
    return MOVE_ADAPTER.validate_python(columns)


async def insert_moves(work: UnitOfWork, case_id: str, version: int, moves: Sequence[Move]) -> None:
    for start in range(0, len(moves), ROWS_PER_STATEMENT):
        batch = moves[start : start + ROWS_PER_STATEMENT]
        await work.execute(
            """
            INSERT INTO moves (case_id, version, part, client_id, order_id, stage, function, to_id, why, cost, unplaced,
                               effort, about)
            SELECT :case_id, :version, kind, client_id, order_id, stage, function, to_id, reasons, cost, unplaced_reason,
                   effort, coalesce(stage_needs, CASE WHEN is_closed THEN jsonb_build_object('closed', true) ELSE '{}' END)
            FROM jsonb_to_recordset(CAST(:moves AS jsonb)) AS n (kind text, client_id text, order_id text, stage text,
                function text, to_id text, reasons jsonb, cost float, unplaced_reason text, effort float, is_closed boolean,
                stage_needs jsonb)
            """,
            case_id=case_id,
            version=version,
            moves=await asyncio.to_thread(json.dumps, batch, default=get_fields),
        )


async def cut_into_chunks(work: UnitOfWork, case_id: str, version: int, kinds: Sequence[str]) -> dict[str, int]:
    """Cuts what is to be moved into chunks; returns how many chunks there are of each kind."""
    cut = await work.fetch_rows(
        """
        WITH numbered AS (
            SELECT part, client_id, order_id, stage, function,
                   (row_number() OVER (PARTITION BY part ORDER BY client_id, order_id, stage, function) - 1) / :size + 1 AS chunk
            FROM moves WHERE case_id = :case_id AND version = :version AND to_id IS NOT NULL AND part = ANY(:kinds)
        ), cut AS (
            UPDATE moves m SET chunk = n.chunk FROM numbered n
            WHERE m.case_id = :case_id AND m.version = :version AND (m.part, m.client_id, m.order_id, m.stage, m.function)
                  = (n.part, n.client_id, n.order_id, n.stage, n.function)
            RETURNING m.part, m.chunk
        )
        SELECT part, max(chunk) AS chunks FROM cut GROUP BY part
        """,
        case_id=case_id,
        version=version,
        size=CHUNK_SIZE,
        kinds=list(kinds),
    )
    return {row["part"]: row["chunks"] for row in cut}


async def list_moves(work: UnitOfWork, chunk: Chunk, leaver_id: str) -> list[CommandedMove]:
    """What the chunk moves from the leaver."""
    return await work.fetch_all(
        CommandedMove,
        f"""
        SELECT m.client_id, m.order_id, m.stage, m.function, :leaver AS from_id, m.to_id FROM moves m WHERE {IN_CHUNK}
        ORDER BY m.client_id, m.order_id, m.stage, m.function
        """,
        leaver=leaver_id,
        **vars(chunk),
    )


async def list_return_moves(work: UnitOfWork, chunk: Chunk, leaver_id: str) -> list[CommandedMove]:
    """What has moved and no client has yet confirmed, back to the leaver."""
    return await work.fetch_all(
        CommandedMove,
        f"""
        SELECT m.client_id, m.order_id, m.stage, m.function, m.to_id AS from_id, :leaver AS to_id FROM moves m
        WHERE {IN_CHUNK} AND m.outcome = 'done' AND NOT EXISTS (SELECT 1 FROM introductions i
              WHERE i.case_id = m.case_id AND i.client_id = m.client_id AND i.status = 'confirmed')
        ORDER BY m.client_id, m.order_id, m.stage, m.function
        """,
        leaver=leaver_id,
        **vars(chunk),
    )


async def save_results_and_count_failures(
    work: UnitOfWork, chunk: Chunk, is_undo: bool, answer: CommandAnswered
) -> int:
    """Writes what became of each move of the chunk; returns how many are still to be made."""
    column = "returned" if is_undo else "outcome"
    results: Sequence[Result] = answer.results if answer.outcome == "done" else ()
    failed: int = await work.fetch_value(
        f"""
        WITH results AS (
            SELECT DISTINCT ON (id) id, outcome FROM jsonb_to_recordset(CAST(:results AS jsonb)) AS r (id text, outcome text)
        ), noted AS (
            UPDATE moves m SET {column} = coalesce((SELECT r.outcome FROM results r WHERE r.id = CASE
                    WHEN m.order_id <> '' THEN m.order_id || '/' || m.stage
                    WHEN m.function <> '' THEN m.client_id || '/' || m.function ELSE m.client_id END), :otherwise),
                moved_at = :now
            WHERE {IN_CHUNK} AND (:is_undo OR m.outcome IS DISTINCT FROM 'done') AND (NOT :is_undo OR m.outcome = 'done')
            RETURNING m.{column} AS outcome
        )
        SELECT count(*) FROM noted WHERE outcome <> ALL(:settled)
        """,
        results=json.dumps([{"id": result.id, "outcome": result.outcome} for result in results]),
        otherwise="not_asked" if answer.outcome == "done" else answer.reason or answer.outcome,
        is_undo=is_undo,
        settled=list(SETTLED_OUTCOMES),
        **vars(chunk),
    )
    return failed


async def list_moved_clients(work: UnitOfWork, chunk: Chunk) -> list[MovedClient]:
    """Clients of the chunk that have moved and are not closed; who has left meanwhile is replaced by their stand-in."""
    return await work.fetch_all(
        MovedClient,
        f"""
        SELECT m.client_id, coalesce(p.stand_in_id, m.to_id) AS to_id, coalesce(r.rank, 0) AS rank
        FROM moves m LEFT JOIN risks r ON r.case_id = m.case_id AND r.client_id = m.client_id
        LEFT JOIN people p ON p.employee_id = m.to_id
        WHERE {IN_CHUNK} AND m.outcome = 'done' AND NOT m.about ? 'closed'
        """,
        **vars(chunk),
    )


async def list_remainder_clients(work: UnitOfWork, chunk: Chunk) -> list[MovedClient]:
    """Clients of a chunk that were written through to the stand-in, the one at the greatest risk first."""
    return await work.fetch_all(
        MovedClient,
        f"""
        SELECT m.client_id, coalesce(r.rank, 0) AS rank, m.to_id FROM moves m
        LEFT JOIN risks r ON r.case_id = m.case_id AND r.client_id = m.client_id
        WHERE {IN_CHUNK} AND m.outcome = 'done' ORDER BY coalesce(r.rank, 2000000000), m.client_id
        """,
        **vars(chunk),
    )


async def list_transferred_clients(work: UnitOfWork, case_id: str) -> list[MovedClient]:
    """Each client that moved in this case and who has it since."""
    return await work.fetch_all(
        MovedClient,
        """
        SELECT DISTINCT ON (client_id) client_id, to_id FROM moves
        WHERE case_id = :id AND part IN ('client', 'left_client') AND outcome = 'done'
        ORDER BY client_id, version DESC, part DESC
        """,
        id=case_id,
    )


async def list_stayed_clients(work: UnitOfWork, case_id: str) -> list[str]:
    """After an undo: clients that stayed with their successor, having confirmed or moved on; the first thousand."""
    return await work.fetch_values(
        """
        SELECT DISTINCT client_id FROM moves WHERE case_id = :id AND part = 'client' AND outcome = 'done'
        AND returned IS DISTINCT FROM 'done' ORDER BY client_id LIMIT 1000
        """,
        id=case_id,
    )


async def give_unmoved_to_caretaker(work: UnitOfWork, chunk: Chunk, caretaker_id: str | None) -> None:
    """Whoever stood in when the remainder was cut may have left: what has not moved yet goes to who does now."""
    await work.execute(
        f"""
        UPDATE moves m SET to_id = coalesce(CAST(:to_id AS text), to_id)
        WHERE {IN_CHUNK} AND outcome IS DISTINCT FROM 'done' AND to_id IS DISTINCT FROM :to_id
        """,
        to_id=caretaker_id,
        **vars(chunk),
    )


async def delete_remainder(work: UnitOfWork, case_id: str, version: int) -> None:
    await work.execute(f"DELETE FROM moves WHERE {IS_REMAINDER}", case_id=case_id, version=version)


async def give_remainder_to_caretaker(work: UnitOfWork, case_id: str, version: int, caretaker_id: str | None) -> None:
    """Gives all that is left to the caretaker; without one it stays, listed."""
    await work.execute(
        f"""
        UPDATE moves SET to_id = :to_id, unplaced = CASE WHEN CAST(:to_id AS text) IS NULL THEN 'no_stand_in' END
        WHERE {IS_REMAINDER}
        """,
        case_id=case_id,
        version=version,
        to_id=caretaker_id,
    )


async def list_planned_moves(
    work: UnitOfWork, case_id: str, version: int, client_ids: Sequence[str], order_ids: Sequence[str]
) -> list[Move]:
    """What the plan says of these clients, and of all stages of these orders."""
    return await work.fetch_all(
        _read_move,
        """
        SELECT part AS kind, client_id, order_id, stage, function, to_id, why AS reasons, cost, unplaced AS unplaced_reason,
               effort, about ? 'closed' AS is_closed, CASE WHEN part = 'stage' THEN about END AS stage_needs
        FROM moves WHERE case_id = :case_id AND version = :version
        AND ((part = 'client' AND client_id = ANY(:clients)) OR (part = 'stage' AND order_id = ANY(:orders)))
        """,
        case_id=case_id,
        version=version,
        clients=list(client_ids),
        orders=list(order_ids),
    )


async def list_successor_ids(work: UnitOfWork, case_id: str, version: int) -> list[str]:
    return await work.fetch_values(
        "SELECT DISTINCT to_id FROM moves WHERE case_id = :case_id AND version = :version AND to_id IS NOT NULL",
        case_id=case_id,
        version=version,
    )


async def update_successors(work: UnitOfWork, case_id: str, version: int, edits: Sequence[PlanEdit]) -> None:
    """Writes other successors into the plan."""
    await work.execute(
        """
        UPDATE moves m SET to_id = n.to_id, why = '["edited"]', edited = true, unplaced = NULL
        FROM jsonb_to_recordset(CAST(:edits AS jsonb)) AS n (client_id text, order_id text, stage text, to_id text)
        WHERE m.case_id = :case_id AND m.version = :version
              AND ((m.part = 'client' AND m.client_id = n.client_id)
                   OR (m.part = 'stage' AND m.order_id = n.order_id AND m.stage = n.stage))
        """,
        case_id=case_id,
        version=version,
        edits=json.dumps([vars(edit) for edit in edits]),
    )
