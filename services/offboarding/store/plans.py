"""Plans and the moves they are made of."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shared.database import UnitOfWork

Row = Mapping[str, Any]


async def newest(work: UnitOfWork, case_id: str) -> Row | None:
    return await work.fetch_row("SELECT * FROM plans WHERE case_id = :id ORDER BY version DESC LIMIT 1", id=case_id)


async def keep_moves(work: UnitOfWork, case_id: str, version: int, moves: str) -> None:
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


async def cut(
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


async def of_orders_and_clients(
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


async def successors(work: UnitOfWork, case_id: str, version: int) -> Sequence[str]:
    rows = await work.fetch_rows(
        "SELECT DISTINCT to_id FROM moves WHERE case_id = :case_id AND version = :version AND to_id IS NOT NULL",
        case_id=case_id,
        version=version,
    )
    return [row["to_id"] for row in rows]


async def loads_beside(
    work: UnitOfWork, case_id: str, version: int, clients: Sequence[str], orders: Sequence[str]
) -> dict[str, dict[str, float]]:
    """What weighs on colleagues by function: what did before the plan, and the plan itself but these clients and orders."""
    before: dict[str, dict[str, float]] = await work.fetch_value(
        "SELECT loads FROM plans WHERE case_id = :case_id AND version = :version", case_id=case_id, version=version
    )
    rows = await work.fetch_rows(
        """
        SELECT to_id, coalesce(about->>'function', 'sales') AS function, sum(effort) AS points FROM moves
        WHERE case_id = :case_id AND version = :version AND to_id IS NOT NULL
        AND (part = 'client' AND client_id <> ALL(:clients) OR part = 'stage' AND order_id <> ALL(:orders)) GROUP BY 1, 2
        """,
        case_id=case_id,
        version=version,
        clients=list(clients),
        orders=list(orders),
    )
    loads = {who: dict(points) for who, points in before.items()}
    for row in rows:
        load = loads.setdefault(row["to_id"], {})
        load[row["function"]] = load.get(row["function"], 0.0) + row["points"]
    return loads


async def edit(work: UnitOfWork, case_id: str, version: int, edits: Sequence[Row], over: Sequence[Row]) -> None:
    """Writes other successors into the plan, and who is over capacity then."""
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
        edits=json.dumps(list(edits)),
    )
    await work.execute(
        'UPDATE plans SET "over" = CAST(:over AS jsonb) WHERE case_id = :case_id AND version = :version',
        case_id=case_id,
        version=version,
        over=json.dumps(list(over)),
    )


async def other_places(work: UnitOfWork, leaver: str, case_id: str) -> dict[str, Any]:
    """The leaver's other places: departments they head, colleagues whose deputy they are (void now), open work of theirs."""
    row = await work.fetch_row(
        """
        SELECT (SELECT coalesce(json_agg(department_id ORDER BY department_id), '[]') FROM departments
                WHERE head_id = :leaver) AS heads,
               (SELECT coalesce(json_agg(employee_id ORDER BY employee_id), '[]') FROM people
                WHERE deputy_id = :leaver AND status <> 'left') AS deputy_of,
               (SELECT coalesce(json_agg(employee_id ORDER BY employee_id), '[]') FROM people
                WHERE manager_id = :leaver AND status <> 'left') AS manager_of,
               (SELECT count(*) FROM tasks WHERE assignee_id = :leaver AND status = 'open' AND case_id <> :case_id) AS tasks,
               (SELECT count(*) FROM visits WHERE assignee_id = :leaver AND status = 'open' AND case_id <> :case_id) AS visits
        """,
        leaver=leaver,
        case_id=case_id,
    )
    return dict(row or {})


DOCUMENT = """
    SELECT json_build_object(
        'case_id', p.case_id, 'version', p.version, 'status', p.status,
        'items', coalesce((SELECT json_agg(json_build_object('client_id', client_id, 'to_id', to_id, 'why', why, 'cost', cost)
            ORDER BY client_id) FROM moves m WHERE m.case_id = p.case_id AND m.version = p.version AND part = 'client'
            AND to_id IS NOT NULL), '[]'),
        'stages', coalesce((SELECT json_agg(json_build_object('order_id', order_id, 'stage', stage, 'to_id', to_id,
            'why', why, 'cost', cost) ORDER BY order_id, stage) FROM moves m WHERE m.case_id = p.case_id
            AND m.version = p.version AND part = 'stage' AND to_id IS NOT NULL), '[]'),
        'team', coalesce((SELECT json_agg(json_build_object('client_id', client_id, 'function', function, 'to_id', to_id)
            ORDER BY client_id, function) FROM moves m WHERE m.case_id = p.case_id AND m.version = p.version
            AND part = 'team' AND to_id IS NOT NULL), '[]'),
        'unplaced', coalesce((SELECT json_agg(json_strip_nulls(json_build_object('client_id', client_id,
            'order_id', nullif(order_id, ''), 'stage', nullif(stage, ''), 'function', nullif(function, ''), 'reason', unplaced))
            ORDER BY client_id, order_id, stage, function) FROM moves m WHERE m.case_id = p.case_id AND m.version = p.version
            AND unplaced IS NOT NULL), '[]'),
        'objective', p.objective, 'bound', p.bound, 'gap', p.gap, 'over', p."over",
        'places', p.places,
        'made_at', p.made_at, 'approved_at', p.approved_at, 'approved_by', p.approved_by)::text
    FROM plans p WHERE p.case_id = :case_id ORDER BY p.version DESC LIMIT 1
"""


async def document(work: UnitOfWork, case_id: str) -> str | None:
    """The newest plan as a JSON document, put together by the database: it may name 100,000 clients."""
    found: str | None = await work.fetch_value(DOCUMENT, case_id=case_id)
    return found
