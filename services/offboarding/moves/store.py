"""The moves of a case: what a plan gives to whom, in which chunk, and with which outcome."""

import json
from collections.abc import Sequence

from services.offboarding.moves import rules
from services.offboarding.permissions.rules import Row
from services.offboarding.saga import Item
from shared.contracts.clients import CommandAnswered, Result
from shared.database import UnitOfWork


async def insert_moves(work: UnitOfWork, case_id: str, version: int, moves: str) -> None:
    """`moves`: a JSON list of `part, client_id, order_id, stage, function, to_id, why, cost, unplaced, effort, about`."""
    await work.execute(
        """
        INSERT INTO moves (case_id, version, part, client_id, order_id, stage, function, to_id, why, cost, unplaced,
                           effort, about)
        SELECT :case_id, :version, part, client_id, coalesce(order_id, ''), coalesce(stage, ''), coalesce(function, ''),
               to_id, coalesce(why, '[]'), coalesce(cost, 0), unplaced, coalesce(effort, 1), coalesce(about, '{}')
        FROM jsonb_to_recordset(CAST(:moves AS jsonb)) AS n (part text, client_id text, order_id text, stage text,
            function text, to_id text, why jsonb, cost float, unplaced text, effort float, about jsonb)
        """,
        case_id=case_id,
        version=version,
        moves=moves,
    )


async def update_chunks(
    work: UnitOfWork, case_id: str, version: int, size: int, parts: Sequence[str] = ("client", "stage", "team")
) -> dict[str, int]:
    """Cuts what is to be moved into chunks of `size`; returns how many chunks there are of each part."""
    rows = await work.fetch_rows(
        """
        WITH numbered AS (
            SELECT part, client_id, order_id, stage, function,
                   (row_number() OVER (PARTITION BY part ORDER BY client_id, order_id, stage, function) - 1) / :size + 1 AS chunk
            FROM moves WHERE case_id = :case_id AND version = :version AND to_id IS NOT NULL AND part = ANY(:parts)
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
        size=size,
        parts=list(parts),
    )
    return {row["part"]: row["chunks"] for row in rows}


async def list_moves_of(
    work: UnitOfWork, case_id: str, version: int, clients: Sequence[str], orders: Sequence[str]
) -> Sequence[Row]:
    return await work.fetch_rows(
        """
        SELECT * FROM moves WHERE case_id = :case_id AND version = :version
        AND ((part = 'client' AND client_id = ANY(:clients)) OR (part = 'stage' AND order_id = ANY(:orders)))
        """,
        case_id=case_id,
        version=version,
        clients=list(clients),
        orders=list(orders),
    )


async def list_successor_ids(work: UnitOfWork, case_id: str, version: int) -> Sequence[str]:
    rows = await work.fetch_rows(
        "SELECT DISTINCT to_id FROM moves WHERE case_id = :case_id AND version = :version AND to_id IS NOT NULL",
        case_id=case_id,
        version=version,
    )
    return [row["to_id"] for row in rows]


async def update_results(work: UnitOfWork, case_id: str, item: Item, answer: CommandAnswered) -> int:
    """Writes what became of each move of the chunk; returns how many are still to be made."""
    part, version, chunk = rules.get_chunk_of_item(item) or ("", 0, 0)
    column = "returned" if item.undoes else "outcome"
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
            WHERE m.case_id = :case_id AND m.version = :version AND m.part = :part AND m.chunk = :chunk
                  AND (:undoes OR m.outcome IS DISTINCT FROM 'done') AND (NOT :undoes OR m.outcome = 'done')
            RETURNING m.{column} AS outcome
        )
        SELECT count(*) FROM noted WHERE outcome <> ALL(:settled)
        """,
        results=json.dumps([{"id": result.id, "outcome": result.outcome} for result in results]),
        otherwise=answer.reason or answer.outcome if answer.outcome != "done" else "not_asked",
        now=work.now,
        case_id=case_id,
        version=version,
        part=part,
        chunk=chunk,
        undoes=item.undoes,
        settled=list(rules.SETTLED_OUTCOMES),
    )
    return failed


async def list_transferred_clients(work: UnitOfWork, case_id: str) -> Sequence[Row]:
    """Each client that moved in this case and who has it since."""
    return await work.fetch_rows(
        """
        SELECT DISTINCT ON (client_id) client_id, to_id FROM moves
        WHERE case_id = :id AND part IN ('client', 'left_client') AND outcome = 'done'
        ORDER BY client_id, version DESC, part DESC
        """,
        id=case_id,
    )


async def list_stayed_clients(work: UnitOfWork, row: Row) -> list[str]:
    """After an undo: clients that stayed with their successor, having confirmed or moved on; the first thousand."""
    if row["undo"] not in ("asked", "over") or row["cleared_at"] is not None:
        return []
    rows = await work.fetch_rows(
        """
        SELECT DISTINCT client_id FROM moves WHERE case_id = :id AND part = 'client' AND outcome = 'done'
        AND returned IS DISTINCT FROM 'done' ORDER BY client_id LIMIT 1000
        """,
        id=row["id"],
    )
    return [one["client_id"] for one in rows]
