"""Whoever is chosen for a work of a case, locked against a freeze in the same instant."""

from collections.abc import Awaitable, Callable

from services.offboarding.assignees import store
from shared.database import UnitOfWork
from shared.people.store import lock_people

ChooseAssignee = Callable[[UnitOfWork], Awaitable[str | None]]


async def choose_and_lock_assignee(work: UnitOfWork, choose: ChooseAssignee) -> str | None:
    """Whom `choose` finds, locked: a freeze of theirs comes before, and then another is chosen, or after, and hands on.

    Without it what is opened for somebody in the instant of their freeze would stay with them.
    """
    locked: str | None = None
    while (chosen := await choose(work)) != locked:
        locked = chosen
        await lock_people(work, for_share=[locked])
    return locked


async def lock_caretaker(work: UnitOfWork, leaver_id: str) -> str | None:
    """Who has the leaver's clients in hand: the stand-in, else the head of sales."""
    return await choose_and_lock_assignee(work, lambda work: store.get_caretaker(work, leaver_id))
