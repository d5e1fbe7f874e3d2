"""Plans in versions, and the newest as a JSON document."""

import json
from collections.abc import Mapping, Sequence

from services.offboarding.planner.plan import Plan
from services.offboarding.planner.problem import Colleague
from services.offboarding.plans.rules import OtherPlaces, OverCapacity, PlanState
from shared.database import UnitOfWork
from shared.people.rules import Person, is_absent
from shared.people.store import may_be_given_work_sql


async def get_newest_plan(work: UnitOfWork, case_id: str) -> PlanState | None:
    return await work.fetch_one(
        PlanState,
        "SELECT version, status FROM plans WHERE case_id = :id ORDER BY version DESC LIMIT 1",
        id=case_id,
    )


async def insert_plan(
    work: UnitOfWork,
    case_id: str,
    version: int,
    plan: Plan,
    places: OtherPlaces,
    loads_before: Mapping[str, Mapping[str, float]],
) -> None:
    """A proposed plan. Its `loads_before`: what weighed on the colleagues before it, points per function."""
    await work.execute(
        """
        INSERT INTO plans (case_id, version, status, objective, bound, gap, places, loads, made_at)
        VALUES (:case_id, :version, 'proposed', :objective, :bound, :gap, CAST(:places AS jsonb), CAST(:loads AS jsonb), :now)
        """,
        case_id=case_id,
        version=version,
        objective=plan.objective,
        bound=plan.bound,
        gap=plan.gap,
        places=json.dumps(vars(places)),
        loads=json.dumps(loads_before),
    )


async def update_plan_approved(work: UnitOfWork, case_id: str, version: int, approved_by: str) -> None:
    await work.execute(
        """
        UPDATE plans SET status = 'approved', approved_at = :now, approved_by = :by
        WHERE case_id = :case_id AND version = :version
        """,
        case_id=case_id,
        version=version,
        by=approved_by,
    )


async def withdraw_proposed_plans(work: UnitOfWork, case_id: str) -> None:
    """Nobody need approve them any more."""
    await work.execute("UPDATE plans SET status = 'withdrawn' WHERE case_id = :id AND status = 'proposed'", id=case_id)


async def update_over_capacity(work: UnitOfWork, case_id: str, version: int, over: Sequence[OverCapacity]) -> None:
    await work.execute(
        'UPDATE plans SET "over" = CAST(:over AS jsonb) WHERE case_id = :case_id AND version = :version',
        case_id=case_id,
        version=version,
        over=json.dumps([vars(one) for one in over]),
    )


async def get_planned_loads_without(
    work: UnitOfWork, case_id: str, version: int, client_ids: Sequence[str], order_ids: Sequence[str]
) -> dict[str, dict[str, float]]:
    """What weighs on colleagues by function: what did before the plan, and the plan itself but these clients and orders."""
    before: dict[str, dict[str, float]] = await work.fetch_value(
        "SELECT loads FROM plans WHERE case_id = :case_id AND version = :version", case_id=case_id, version=version
    )
    loads = {employee_id: dict(points) for employee_id, points in before.items()}
    planned = await work.fetch_rows(
        """
        SELECT to_id, coalesce(about->>'function', 'sales') AS function, sum(effort) AS points FROM moves
        WHERE case_id = :case_id AND version = :version AND to_id IS NOT NULL
        AND (part = 'client' AND client_id <> ALL(:clients) OR part = 'stage' AND order_id <> ALL(:orders)) GROUP BY 1, 2
        """,
        case_id=case_id,
        version=version,
        clients=list(client_ids),
        orders=list(order_ids),
    )
    for row in planned:
        load = loads.setdefault(row["to_id"], {})
        load[row["function"]] = load.get(row["function"], 0.0) + row["points"]
    return loads


async def get_other_places(work: UnitOfWork, leaver_id: str, case_id: str = "") -> OtherPlaces:
    """Departments they head, colleagues whose deputy or manager they are, open work of theirs but in this case."""
    places = await work.fetch_one(
        OtherPlaces,
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
        leaver=leaver_id,
        case_id=case_id,
    )
    return places or OtherPlaces()


PLAN_DOCUMENT = """
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
    document: str | None = await work.fetch_value(PLAN_DOCUMENT, case_id=case_id)
    return document


async def list_able_colleagues(
    work: UnitOfWork, leaver_id: str, loads: Mapping[str, Mapping[str, float]] | None = None
) -> tuple[Colleague, ...]:
    """Who can take over now: works here, is not leaving, not frozen, not absent."""
    people = await work.fetch_all(
        Person,
        f"SELECT * FROM people p WHERE p.status = 'active' AND {may_be_given_work_sql('p')} AND employee_id <> :leaver",
        leaver=leaver_id,
    )
    return tuple(
        Colleague(
            id=person.employee_id,
            capacity={function: float(points) for function, points in person.functions.items()},
            load=(loads or {}).get(person.employee_id, {}),
            department_id=person.department_id,
            regions=frozenset(person.regions),
            languages=frozenset(person.languages),
        )
        for person in people
        if not is_absent(person.absences, work.today)
    )
