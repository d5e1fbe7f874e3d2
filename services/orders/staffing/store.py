"""Capacity and load of employees by function, and who of them the caller may see."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from services.orders.staffing import rules
from shared.auth import Principal
from shared.database import UnitOfWork
from shared.paging import Paging
from shared.people.rules import is_absent
from shared.people.store import heads_person_sql, may_be_given_work_sql

LIST_CAPACITIES_SQL = f"""
    WITH loads AS (
        SELECT employee_id, function, sum(effort) AS load FROM stages
        WHERE open AND function = ANY(:functions) AND {{of_whom}} GROUP BY employee_id, function
    )
    SELECT p.employee_id, f.function, CAST(p.functions ->> f.function AS float) AS capacity, p.absences,
           coalesce(l.load, 0) AS load
    FROM people p CROSS JOIN unnest(CAST(:functions AS text[])) AS f(function)
    LEFT JOIN loads l ON l.employee_id = p.employee_id AND l.function = f.function
    WHERE {may_be_given_work_sql("p")}
      AND jsonb_exists(p.functions, f.function) AND p.{{of_whom}}
"""
LIST_ALL_CAPACITIES_SQL = LIST_CAPACITIES_SQL.format(of_whom="employee_id IS NOT NULL")
LIST_NAMED_CAPACITIES_SQL = LIST_CAPACITIES_SQL.format(of_whom="employee_id = ANY(:ids)")


@dataclass(frozen=True, slots=True)
class EmployeeLoad:
    """In effort points. Without `employee_id`: what waits for somebody. `queue`: open stages not started yet."""

    employee_id: str | None
    function: str
    load: float
    capacity: float
    queue: int
    over: bool


async def list_capacities(
    work: UnitOfWork, functions: Collection[str], employee_ids: Iterable[str] | None = None
) -> list[rules.FunctionCapacity]:
    """Of everybody or of these; only of those who work here and are not frozen. Binding only under a lock on their rows."""
    rows = await work.fetch_rows(
        LIST_ALL_CAPACITIES_SQL if employee_ids is None else LIST_NAMED_CAPACITIES_SQL,
        functions=sorted(functions),
        ids=sorted(set(employee_ids or ())),
    )
    return [
        rules.FunctionCapacity(
            row["employee_id"],
            row["function"],
            row["capacity"],
            float(row["load"]),
            is_present=not is_absent(row["absences"], work.today),
        )
        for row in rows
    ]


async def list_workload(work: UnitOfWork, principal: Principal, paging: Paging) -> list[EmployeeLoad]:
    """Per employee and function, in id order; first, under no employee, what waits for somebody."""
    after = paging.after or ("", "")
    return await work.fetch_all(
        EmployeeLoad,
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
        SELECT nullif(employee_id, '') AS employee_id, function, coalesce(load, 0) AS load,
               coalesce(capacity, 0) AS capacity, coalesce(queue, 0) AS queue,
               employee_id <> '' AND coalesce(load, 0) > coalesce(capacity, 0) AS over
        FROM loads l FULL JOIN capacities c USING (employee_id, function) LEFT JOIN people p USING (employee_id)
        WHERE (employee_id, function) > (:employee_id, :function)
          AND (employee_id = '' AND :sees_waiting OR employee_id <> '' AND {visible_people_sql(principal)})
        ORDER BY coalesce(l.employee_id, c.employee_id), function LIMIT :fetch
        """,
        sees_waiting=principal.has("director", "service", "sales_head"),
        employee_id=after[0],
        function=after[-1],
        fetch=paging.fetch,
    )


def visible_people_sql(principal: Principal) -> str:
    """SQL about the row `p` of people: the figures of whom the caller may see, their own and those of whom they head, or all."""
    if principal.has("director", "service"):
        return "true"
    return "(p.employee_id = :actor" + (f" OR {heads_person_sql('p')})" if principal.has("sales_head") else ")")
