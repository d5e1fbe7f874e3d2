"""Who works here in a function, with capacity and load; and who may see which order."""

from collections.abc import Iterable
from datetime import date

from services.orders.domain.bench import Seat
from shared.database import UnitOfWork
from shared.people.rules import is_absent

SEATS = """
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
OF_ALL = SEATS.format(of_whom="employee_id IS NOT NULL")
OF_SOME = SEATS.format(of_whom="employee_id = ANY(:ids)")


async def seats(
    work: UnitOfWork, functions: Iterable[str], today: date, employee_ids: Iterable[str] | None = None
) -> list[Seat]:
    """Of everybody or of these; only of those who work here and are not frozen. Binding only under a lock on their rows."""
    named = {"functions": sorted(set(functions))}
    if employee_ids is None:
        rows = await work.fetch_rows(OF_ALL, **named)
    else:
        rows = await work.fetch_rows(OF_SOME, **named, ids=sorted(set(employee_ids)))
    return [
        Seat(
            row["employee_id"],
            row["function"],
            row["capacity"],
            float(row["load"]),
            not is_absent(row["absences"], today),
        )
        for row in rows
    ]


async def existing(work: UnitOfWork, employee_ids: Iterable[str]) -> set[str]:
    rows = await work.fetch_rows(
        "SELECT employee_id FROM people WHERE employee_id = ANY(:ids)", ids=sorted(set(employee_ids))
    )
    return {row["employee_id"] for row in rows}


async def known_clients(work: UnitOfWork, client_ids: Iterable[str]) -> set[str]:
    rows = await work.fetch_rows(
        "SELECT client_id FROM known_clients WHERE client_id = ANY(:ids) ORDER BY client_id FOR KEY SHARE",
        ids=sorted(set(client_ids)),
    )
    return {row["client_id"] for row in rows}


async def heads_client(work: UnitOfWork, client_id: str) -> bool:
    """Whether the caller heads the department of whoever acts as the client's owner, or one above it."""
    found = await work.fetch_value(
        """
        SELECT 1 FROM known_clients k JOIN people owner ON owner.employee_id = k.owner_id
        JOIN people acting ON acting.employee_id = coalesce(owner.stand_in_id, owner.employee_id)
        JOIN heads h ON h.department_id = acting.department_id AND h.head_id = :actor
        WHERE k.client_id = :client_id
        """,
        client_id=client_id,
        actor=work.actor,
    )
    return found is not None
