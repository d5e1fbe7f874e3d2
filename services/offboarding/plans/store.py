"""Plans in versions, and the newest as a JSON document."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.offboarding.permissions.rules import Row
from services.offboarding.planner import Colleague
from shared.database import UnitOfWork
from shared.people.rules import is_absent


async def get_newest_plan(work: UnitOfWork, case_id: str) -> Row | None:
    return await work.fetch_row("SELECT * FROM plans WHERE case_id = :id ORDER BY version DESC LIMIT 1", id=case_id)


async def get_loads_without(
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


async def update_successors(
    work: UnitOfWork, case_id: str, version: int, edits: Sequence[Row], over: Sequence[Row]
) -> None:
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


async def get_other_places(work: UnitOfWork, leaver: str, case_id: str) -> dict[str, Any]:
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


PLAN_DOCUMENT_SQL = """
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


async def get_plan_document(work: UnitOfWork, case_id: str) -> str | None:
    """The newest plan as a JSON document, put together by the database: it may name 100,000 clients."""
    found: str | None = await work.fetch_value(PLAN_DOCUMENT_SQL, case_id=case_id)
    return found


async def list_able_colleagues(
    work: UnitOfWork, leaver: str, loads: Mapping[str, Mapping[str, float]] | None = None
) -> tuple[Colleague, ...]:
    """Who can take over now: works here, is not leaving, not frozen, not absent."""
    rows = await work.fetch_rows(
        "SELECT * FROM people WHERE status = 'active' AND NOT frozen AND NOT settling AND employee_id <> :leaver",
        leaver=leaver,
    )
    day = work.today
    return tuple(
        Colleague(
            id=row["employee_id"],
            capacity={function: float(points) for function, points in row["functions"].items()},
            load=(loads or {}).get(row["employee_id"], {}),
            department_id=row["department_id"],
            regions=frozenset(row["regions"]),
            languages=frozenset(row["languages"]),
        )
        for row in rows
        if not is_absent(row["absences"], day)
    )
