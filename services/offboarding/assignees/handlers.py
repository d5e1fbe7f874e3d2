"""Whoever is chosen for a work of a case, locked against a freeze in the same instant."""

from collections.abc import Awaitable, Callable

from services.offboarding.assignees import store
from services.offboarding.permissions.rules import Row
from shared.database import UnitOfWork
from shared.people.store import lock_people


async def lock_chosen_assignee(work: UnitOfWork, choose: Callable[[], Awaitable[str | None]]) -> str | None:
    """Whom `choose` finds, locked: a freeze of theirs comes before, and then another is chosen, or after, and hands on.

    Without it what is opened for somebody in the instant of their freeze would stay with them.
    """
    found: str | None = None
    while (next_ := await choose()) != found:
        found = next_
        await lock_people(work, holding=[found])
    return found


async def choose_caretaker(work: UnitOfWork, row: Row) -> str | None:
    """Who has the leaver's clients in hand: the stand-in, else the head of sales. Held, see `people.held`."""
    leaver: str = row["employee_id"]

    async def choose() -> str | None:
        return await store.get_stand_in(work, leaver) or await store.get_head_of_sales(work, leaver)

    return await lock_chosen_assignee(work, choose)
