"""Locks on the people who may be given stages, so that two assignments never share the last room."""

from collections.abc import Collection, Mapping

from services.orders.staffing import rules, store
from shared.database import UnitOfWork
from shared.errors import HoldfastError
from shared.people.rules import Frozen, Person
from shared.people.store import lock_people


async def lock_roster_with_refusals(
    work: UnitOfWork, functions: Collection[str], assignee_ids: Collection[str], candidates_per_function: int | None
) -> tuple[rules.Roster, dict[str, type[HoldfastError]]]:
    """Locks these assignees and the best candidates of each function (None: all), and only then counts their loads.

    Two assignments that want the last room of the same person wait for each other here, and the second one sees it taken.
    Also answers which of the assignees may be given nothing, with the refusal. Raises `Frozen` where the person acting is.
    """
    candidates = rules.pick_candidates(await store.list_capacities(work, functions), candidates_per_function)
    people = await lock_people(work, given_work=[*candidates, *assignee_ids], for_share=[work.actor])
    refuse_frozen_actor(work, people)
    return rules.Roster(await store.list_capacities(work, functions, people)), rules.find_refused_assignees(
        people, assignee_ids
    )


def refuse_frozen_actor(work: UnitOfWork, people: Mapping[str, Person]) -> None:
    """Raises `Frozen` where the person acting is, under the lock: the door may have asked a moment too early."""
    if work.actor in people and people[work.actor].frozen:
        raise Frozen
