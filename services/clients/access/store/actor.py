"""What the gate asks of the person acting: whom they head, and whether a policy waits for them."""

from collections.abc import Iterable, Sequence
from datetime import date

from shared.database import UnitOfWork
from shared.people.store import heads_person_sql


async def has_unacknowledged_policy(work: UnitOfWork) -> bool:
    """Whether the caller has yet to acknowledge a policy that is required for access."""
    since: date | None = await work.fetch_value(
        "SELECT unacknowledged_from FROM people WHERE employee_id = :id", id=work.actor
    )
    return since is not None and since <= work.today


async def list_heads_above(work: UnitOfWork, employee_id: str) -> Sequence[str]:
    """The heads of this person's department and those above, nearest first."""
    rows = await work.fetch_rows(
        """
        SELECT h.head_id FROM people p JOIN heads h ON h.department_id = p.department_id
        WHERE p.employee_id = :id ORDER BY h.distance, h.head_id
        """,
        id=employee_id,
    )
    return [row["head_id"] for row in rows]


async def is_headed_by_actor(work: UnitOfWork, employee_id: str) -> bool:
    """Whether the caller heads the department of this person, or one above."""
    return bool(
        await work.fetch_value(
            f"SELECT 1 FROM people p WHERE p.employee_id = :id AND {heads_person_sql('p')}",
            id=employee_id,
            actor=work.actor,
        )
    )


async def list_headed_by_actor(work: UnitOfWork, employee_ids: Iterable[str]) -> set[str]:
    """Those of these people whom the caller heads."""
    rows = await work.fetch_rows(
        f"SELECT p.employee_id FROM people p WHERE p.employee_id = ANY(:ids) AND {heads_person_sql('p')}",
        ids=list(employee_ids),
        actor=work.actor,
    )
    return {row["employee_id"] for row in rows}
