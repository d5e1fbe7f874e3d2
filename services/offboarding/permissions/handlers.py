"""What every use case asks first: the locks on the people of an effect, and the right to decide a case."""

from collections.abc import Iterable

from services.offboarding.permissions import rules, store
from shared.database import UnitOfWork
from shared.errors import Forbidden
from shared.people.store import lock_people


async def require_head_of_case(work: UnitOfWork, viewer: rules.Viewer, case_id: str) -> None:
    """Raises `NotFound` or `Forbidden` unless the caller decides for this case. Nobody acts on their own."""
    await store.get_visible_case(work, viewer, case_id)
    if not await store.is_head_of_case(work, viewer, case_id):
        raise Forbidden


async def lock_participants(
    work: UnitOfWork, leaver: str | None = None, others: Iterable[str] = (), frozen_too: bool = False
) -> None:
    """Locks the people of an effect, first of all and in one statement: the leaver, the caller, `others`.

    A freeze of the caller comes before the effect or after it, never in between. Raises `Forbidden`.
    """
    rows = await lock_people(work, changing=[leaver] if leaver else (), holding=[work.actor, *others])
    actor = rows.get(work.actor)
    if not frozen_too and actor is not None and (actor.frozen or actor.status == "left"):
        raise Forbidden
