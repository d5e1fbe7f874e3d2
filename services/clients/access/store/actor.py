"""What the gate asks of the person acting: what they may see, and whether a policy waits for them."""

from datetime import date
from typing import Literal

from shared.database import UnitOfWork
from shared.people.store import heads_person_sql

# Whose passes and grants the actor may see: everybody's, of those whom they head and own, or own only.
ListReach = Literal["all", "headed", "own"]


async def has_unacknowledged_policy(work: UnitOfWork) -> bool:
    """Whether the caller has yet to acknowledge a policy that is required for access."""
    since: date | None = await work.fetch_value(
        "SELECT unacknowledged_from FROM people WHERE employee_id = :id", id=work.actor
    )
    return since is not None and since <= work.today


def is_visible_to_actor_sql(reach: ListReach, employee_column: str) -> str:
    """Whether the actor (`:actor`, unless they see all) may see what is of the employee in this column."""
    if reach == "all":
        return "true"
    own = f"{employee_column} = :actor"
    if reach == "own":
        return own
    return f"({own} OR EXISTS (SELECT 1 FROM people p WHERE p.employee_id = {employee_column} AND {heads_person_sql('p')}))"
