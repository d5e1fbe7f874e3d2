"""Who serves in which place of a case."""

from collections.abc import Mapping
from typing import Any

from shared import people
from shared.database import UnitOfWork

HEADS = """
    SELECT h.head_id, p.absences FROM people leaver JOIN heads h ON h.department_id = leaver.department_id
    JOIN people p ON p.employee_id = h.head_id
    WHERE leaver.employee_id = :leaver AND h.head_id <> :leaver AND p.status IN ('active', 'resigned') AND NOT p.frozen
    ORDER BY h.distance, h.head_id
"""


async def head_of_sales(work: UnitOfWork, leaver: str) -> str | None:
    """The head of the leaver's department or the next above who works here, is not frozen and not absent; else the last resort."""
    today = people.today(work)
    heads = [row["head_id"] for row in await work.rows(HEADS, leaver=leaver) if not people.is_absent(row, today)]
    return heads[0] if heads else (work.settings.last_resort if work.settings.last_resort != leaver else None)


async def person(work: UnitOfWork, employee_id: str) -> Mapping[str, Any] | None:
    return await work.row("SELECT * FROM people WHERE employee_id = :id", id=employee_id)


async def manager(work: UnitOfWork, leaver: str) -> str | None:
    """Who takes the leaver's part: the manager, if they work here and are not frozen, else the head of sales."""
    found: str | None = await work.scalar(
        """
        SELECT m.employee_id FROM people p JOIN people m ON m.employee_id = p.manager_id
        WHERE p.employee_id = :leaver AND m.employee_id <> :leaver AND m.status IN ('active', 'resigned') AND NOT m.frozen
        """,
        leaver=leaver,
    )
    return found or await head_of_sales(work, leaver)


async def successor(work: UnitOfWork, case_id: str) -> str | None:
    """Who has received most of the leaver's clients, or else stages."""
    found: str | None = await work.scalar(
        """
        SELECT to_id FROM moves WHERE case_id = :case_id AND outcome = 'done' AND part IN ('client', 'stage')
        GROUP BY to_id ORDER BY count(*) FILTER (WHERE part = 'client') DESC, count(*) DESC, to_id LIMIT 1
        """,
        case_id=case_id,
    )
    return found


async def stand_in(work: UnitOfWork, employee_id: str) -> str | None:
    found: str | None = await work.scalar("SELECT stand_in_id FROM people WHERE employee_id = :id", id=employee_id)
    return found or work.settings.last_resort
