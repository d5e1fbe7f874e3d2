"""Who serves in which place of a case, read from the copy of the register."""

from collections.abc import Sequence

from shared.database import UnitOfWork
from shared.people.rules import is_absent
from shared.people.store import is_working_sql


async def list_heads_of_sales(work: UnitOfWork, leaver_ids: Sequence[str]) -> dict[str, str | None]:
    """By leaver the head of their department or the next above who works here, is not frozen and not absent; else the last
    resort."""
    last_resort = work.settings.last_resort
    heads = {leaver_id: last_resort if last_resort != leaver_id else None for leaver_id in leaver_ids}
    candidates = await work.fetch_rows(
        f"""
        SELECT leaver.employee_id AS leaver_id, h.head_id, p.absences
        FROM people leaver JOIN heads h ON h.department_id = leaver.department_id JOIN people p ON p.employee_id = h.head_id
        WHERE leaver.employee_id = ANY(:leavers) AND h.head_id <> leaver.employee_id
              AND {is_working_sql("p")}
        ORDER BY h.distance DESC, h.head_id DESC
        """,
        leavers=list(leaver_ids),
    )
    return heads | {
        candidate["leaver_id"]: candidate["head_id"]
        for candidate in candidates  # the nearest comes last, and stays
        if not is_absent(candidate["absences"], work.today)
    }


async def get_head_of_sales(work: UnitOfWork, leaver_id: str) -> str | None:
    return (await list_heads_of_sales(work, [leaver_id]))[leaver_id]


async def get_manager_or_head_of_sales(work: UnitOfWork, leaver_id: str) -> str | None:
    """Who takes the leaver's part: the manager, if they work here and are not frozen, else the head of sales."""
    manager_id: str | None = await work.fetch_value(
        f"""
        SELECT m.employee_id FROM people p JOIN people m ON m.employee_id = p.manager_id
        WHERE p.employee_id = :leaver AND m.employee_id <> :leaver AND {is_working_sql("m")}
        """,
        leaver=leaver_id,
    )
    return manager_id or await get_head_of_sales(work, leaver_id)


async def get_main_successor(work: UnitOfWork, case_id: str) -> str | None:
    """Who has received most of the leaver's clients, or else stages; their stand-in where they leave too."""
    successor_id: str | None = await work.fetch_value(
        """
        SELECT coalesce(p.stand_in_id, m.to_id) FROM moves m LEFT JOIN people p ON p.employee_id = m.to_id
        WHERE m.case_id = :case_id AND m.outcome = 'done' AND m.part IN ('client', 'stage')
        GROUP BY m.to_id, p.stand_in_id
        ORDER BY count(*) FILTER (WHERE m.part = 'client') DESC, count(*) DESC, m.to_id LIMIT 1
        """,
        case_id=case_id,
    )
    return successor_id


async def get_caretaker(work: UnitOfWork, leaver_id: str) -> str | None:
    """The stand-in, else the last resort, else the head of sales."""
    stand_in_id: str | None = await work.fetch_value(
        "SELECT stand_in_id FROM people WHERE employee_id = :id", id=leaver_id
    )
    return stand_in_id or work.settings.last_resort or await get_head_of_sales(work, leaver_id)


async def get_employment_id(work: UnitOfWork, employee_id: str) -> str | None:
    """The present employment of this person."""
    employment_id: str | None = await work.fetch_value(
        "SELECT employment_id FROM people WHERE employee_id = :id", id=employee_id
    )
    return employment_id
