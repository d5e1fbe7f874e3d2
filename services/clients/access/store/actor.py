"""What the gate asks of the person acting: whom they head, and whether a policy waits for them."""

from collections.abc import Iterable
from datetime import date
from typing import Literal

from shared.database import UnitOfWork
from shared.people.rules import Person, list_caretaker_candidates
from shared.people.store import heads_person_sql

# Whose passes and grants the actor may see: everybody's, of those whom they head and own, or own only.
ListReach = Literal["all", "headed", "own"]


async def has_unacknowledged_policy(work: UnitOfWork) -> bool:
    """Whether the caller has yet to acknowledge a policy that is required for access."""
    since: date | None = await work.fetch_value(
        "SELECT unacknowledged_from FROM people WHERE employee_id = :id", id=work.actor
    )
    return since is not None and since <= work.today


async def get_person(work: UnitOfWork, employee_id: str) -> Person | None:
    """Not locked: what is read may change before it is acted upon."""
    return await work.fetch_one(Person, "SELECT * FROM people WHERE employee_id = :id", id=employee_id)


async def list_caretaker_candidates_of_person(work: UnitOfWork, person: Person) -> list[str]:
    """Who may stand in for this person, in order: deputy, manager, the heads of the departments upward, the last resort."""
    head_ids = await work.fetch_values(
        "SELECT head_id FROM heads WHERE department_id = :department_id ORDER BY distance, head_id",
        department_id=person.department_id,
    )
    return list_caretaker_candidates(
        person.employee_id,
        person.deputy_id,
        person.manager_id,
        head_ids,
        work.settings.last_resort,
    )


def is_visible_to_actor_sql(reach: ListReach, employee_column: str) -> str:
    """Whether the actor (`:actor`, unless they see all) may see what is of the employee in this column."""
    if reach == "all":
        return "true"
    own = f"{employee_column} = :actor"
    if reach == "own":
        return own
    return f"({own} OR EXISTS (SELECT 1 FROM people p WHERE p.employee_id = {employee_column} AND {heads_person_sql('p')}))"


async def is_headed_by_actor(work: UnitOfWork, employee_id: str) -> bool:
    """Whether the caller heads the department of this person, or one above."""
    return bool(await list_headed_by_actor(work, [employee_id]))


async def list_headed_by_actor(work: UnitOfWork, employee_ids: Iterable[str]) -> set[str]:
    """Those of these people whom the caller heads."""
    rows = await work.fetch_rows(
        f"SELECT p.employee_id FROM people p WHERE p.employee_id = ANY(:ids) AND {heads_person_sql('p')}",
        ids=list(employee_ids),
    )
    return {row["employee_id"] for row in rows}
