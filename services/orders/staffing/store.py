"""Capacity and load of employees by function, and who of them the caller may see."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from services.orders.staffing import rules
from shared.auth import Principal
from shared.database import UnitOfWork
from shared.paging import Paging
from shared.people.rules import is_absent
from shared.people.store import heads_person_sql

CAPACITIES_SQL = """
    WITH loads AS (
        SELECT employee_id, function, sum(effort) AS load FROM stages
        WHERE open AND function = ANY(:functions) AND {of_whom} GROUP BY employee_id, function
    )
    SELECT p.employee_id, f.function, CAST(p.functions ->> f.function AS float) AS capacity, p.absences,
           coalesce(l.load, 0) AS load
    FROM people p CROSS JOIN unnest(CAST(:functions AS text[])) AS f(function)
    LEFT JOIN loads l ON l.employee_id = p.employee_id AND l.function = f.function
    WHERE p.status IN ('active', 'resigned') AND NOT p.frozen AND NOT p.settling
      AND jsonb_exists(p.functions, f.function) AND p.{of_whom}
"""

ALL_CAPACITIES_SQL = CAPACITIES_SQL.format(of_whom="employee_id IS NOT NULL")

NAMED_CAPACITIES_SQL = CAPACITIES_SQL.format(of_whom="employee_id = ANY(:ids)")


async def list_capacities(
    work: UnitOfWork, functions: Iterable[str], today: date, employee_ids: Iterable[str] | None = None
) -> list[rules.FunctionCapacity]:
    """Of everybody or of these; only of those who work here and are not frozen. Binding only under a lock on their rows."""
    named = {"functions": sorted(set(functions))}
    if employee_ids is None:
        rows = await work.fetch_rows(ALL_CAPACITIES_SQL, **named)
    else:
        rows = await work.fetch_rows(NAMED_CAPACITIES_SQL, **named, ids=sorted(set(employee_ids)))
    return [
        rules.FunctionCapacity(
            row["employee_id"],
            row["function"],
            row["capacity"],
            float(row["load"]),
            not is_absent(row["absences"], today),
        )
        for row in rows
    ]


async def list_known_employees(work: UnitOfWork, employee_ids: Iterable[str]) -> set[str]:
    rows = await work.fetch_rows(
        "SELECT employee_id FROM people WHERE employee_id = ANY(:ids)", ids=sorted(set(employee_ids))
    )
    return {row["employee_id"] for row in rows}


async def list_workload(work: UnitOfWork, principal: Principal, paging: Paging) -> list[dict[str, Any]]:
    """Per employee and function, in id order; first, under no employee, what waits for somebody.

    `load` sums the effort of open stages, `queue` counts those of them that have not been started.
    """
    seen = "true"
    if not principal.has("director", "service"):
        seen = "p.employee_id = :actor" + (f" OR {heads_person_sql('p')}" if principal.has("sales_head") else "")
    nobody = principal.has("director", "service", "sales_head")
    after = paging.after or ("", "")
    rows = await work.fetch_rows(
        f"""
        WITH loads AS (
            SELECT coalesce(employee_id, '') AS employee_id, function, sum(effort) AS load,
                   count(*) FILTER (WHERE coalesce(held_from, status) <> 'started') AS queue
            FROM stages WHERE open GROUP BY 1, 2
        ), capacities AS (
            SELECT p.employee_id, f.key AS function, CAST(f.value AS float) AS capacity
            FROM people p CROSS JOIN LATERAL jsonb_each_text(p.functions) AS f(key, value)
            WHERE p.status IN ('active', 'resigned')
        )
        SELECT employee_id, function, coalesce(load, 0) AS load, coalesce(capacity, 0) AS capacity,
               coalesce(queue, 0) AS queue
        FROM loads FULL JOIN capacities USING (employee_id, function) LEFT JOIN people p USING (employee_id)
        WHERE (employee_id, function) > (:employee_id, :function) AND :actor = :actor
          AND (employee_id = '' AND :nobody OR employee_id <> '' AND ({seen}))
        ORDER BY employee_id, function LIMIT :fetch
        """,
        actor=work.actor,
        nobody=nobody,
        employee_id=after[0],
        function=after[-1],
        fetch=paging.fetch,
    )
    return [
        {
            **row,
            "employee_id": row["employee_id"] or None,
            "over": bool(row["employee_id"]) and row["load"] > row["capacity"],
        }
        for row in rows
    ]


async def heads_any_of(work: UnitOfWork, *employee_ids: str | None) -> bool:
    """Whether the person acting heads one of them."""
    return bool(
        await work.fetch_value(
            f"SELECT 1 FROM people p WHERE p.employee_id = ANY(:ids) AND {heads_person_sql('p')} LIMIT 1",
            ids=[employee_id for employee_id in employee_ids if employee_id],
            actor=work.actor,
        )
    )
