"""The person acting: locked with the others, and refused if frozen meanwhile."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.clients.handlers.policies import PolicyNotAcknowledged
from services.clients.store import policies
from shared import people
from shared.database import UnitOfWork
from shared.errors import Forbidden, YouAreFrozen


class OwnAffair(Forbidden, code="own_affair"):
    """Nobody acts on their own freeze or pass. Ask somebody else."""


async def lock_with_actor(
    work: UnitOfWork, changing: Iterable[str | None] = (), holding: Iterable[str | None] = ()
) -> dict[str, Mapping[str, Any]]:
    """`people.lock`, with the person acting. Raises `YouAreFrozen` if a freeze came before the lock."""
    rows = await people.lock(work, changing, [*holding, work.actor])
    actor = rows.get(work.actor)
    if actor is not None and (actor["frozen"] or actor["status"] == "left"):
        raise YouAreFrozen
    return rows


async def lock_for_clients(work: UnitOfWork, holding: Iterable[str | None] = ()) -> dict[str, Mapping[str, Any]]:
    """`lock_with_actor`, for what is done with clients. Raises `PolicyNotAcknowledged` too."""
    rows = await lock_with_actor(work, holding=holding)
    if await policies.must_acknowledge(work):
        raise PolicyNotAcknowledged
    return rows
