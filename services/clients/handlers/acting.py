"""The person acting: locked with the others, and refused if frozen meanwhile."""

from collections.abc import Iterable

from services.clients.handlers.policies import PolicyNotAcknowledged
from services.clients.store import policies
from shared.database import UnitOfWork
from shared.errors import Forbidden, YouAreFrozen
from shared.people.rules import Person
from shared.people.store import lock_people


class OwnAffair(Forbidden, code="own_affair"):
    """Nobody acts on their own freeze or pass. Ask somebody else."""


async def lock_with_actor(
    work: UnitOfWork, changing: Iterable[str | None] = (), holding: Iterable[str | None] = ()
) -> dict[str, Person]:
    """`lock_people`, with the person acting. Raises `YouAreFrozen` if a freeze came before the lock."""
    rows = await lock_people(work, changing, [*holding, work.actor])
    actor = rows.get(work.actor)
    if actor is not None and (actor.frozen or actor.status == "left"):
        raise YouAreFrozen
    return rows


async def lock_for_clients(work: UnitOfWork, holding: Iterable[str | None] = ()) -> dict[str, Person]:
    """`lock_with_actor`, for what is done with clients. Raises `PolicyNotAcknowledged` too."""
    rows = await lock_with_actor(work, holding=holding)
    if await policies.must_acknowledge(work):
        raise PolicyNotAcknowledged
    return rows
