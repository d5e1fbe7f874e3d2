"""Who works here in a function, with capacity and load; and who may see which order."""

from collections.abc import Iterable
from datetime import date

from services.orders.domain.bench import Seat
from shared.database import UnitOfWork
from shared.people import is_absent

SEATS = """
    SELECT p.employee_id, f.key AS function, CAST(f.value AS float) AS capacity, p.absences,
           coalesce((SELECT sum(s.effort) FROM stages s
                     WHERE s.open AND s.employee_id = p.employee_id AND s.function = f.key), 0) AS load
    FROM people p CROSS JOIN LATERAL jsonb_each_text(p.functions) AS f(key, value)
    WHERE p.status IN ('active', 'resigned') AND NOT p.frozen AND NOT p.settling AND f.key = ANY(:functions)
      AND (CAST(:ids AS text[]) IS NULL OR p.employee_id = ANY(:ids))
"""


async def seats(
    work: UnitOfWork, functions: Iterable[str], today: date, employee_ids: Iterable[str] | None = None
) -> list[Seat]:
    """Of everybody or of these; only of those who work here and are not frozen. Binding only under a lock on their rows."""
    rows = await work.rows(
        SEATS,
        functions=sorted(set(functions)),
        ids=None if employee_ids is None else sorted(set(employee_ids)),
    )
    return [
        Seat(row["employee_id"], row["function"], row["capacity"], float(row["load"]), not is_absent(row, today))
        for row in rows
    ]


async def existing(work: UnitOfWork, employee_ids: Iterable[str]) -> set[str]:
    rows = await work.rows(
        "SELECT employee_id FROM people WHERE employee_id = ANY(:ids)", ids=sorted(set(employee_ids))
    )
    return {row["employee_id"] for row in rows}


async def known_clients(work: UnitOfWork, client_ids: Iterable[str]) -> set[str]:
    rows = await work.rows(
        "SELECT client_id FROM known_clients WHERE client_id = ANY(:ids)", ids=sorted(set(client_ids))
    )
    return {row["client_id"] for row in rows}
