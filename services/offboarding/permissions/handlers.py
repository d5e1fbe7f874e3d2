"""What every use case asks first: the right to decide a case, and the locks on the people of an effect."""

from collections.abc import Iterable

from services.offboarding.permissions.rules import CaseRights, Viewer
from services.offboarding.permissions.store import get_case_rights
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound
from shared.people.store import lock_people


async def require_may_see_case(work: UnitOfWork, viewer: Viewer, case_id: str) -> CaseRights:
    """Raises `NotFound` unless the caller may know of this case."""
    rights = await get_case_rights(work, viewer, case_id)
    if rights is None or not rights.may_see:
        raise NotFound
    return rights


async def require_head_of_case(work: UnitOfWork, viewer: Viewer, case_id: str) -> CaseRights:
    """Raises `NotFound` or `Forbidden` unless the caller decides for this case. Nobody acts on their own."""
    rights = await require_may_see_case(work, viewer, case_id)
    if not rights.is_head:
        raise Forbidden
    return rights


async def lock_participants(
    work: UnitOfWork, leaver_id: str | None = None, others: Iterable[str] = (), may_caller_be_frozen: bool = False
) -> None:
    """Locks the people of an effect, first of all and in one statement: the leaver, the caller, `others`.

    A freeze of the caller comes before the effect or after it, never in between. Raises `Forbidden` where the caller is
    frozen or has left, unless they may be.
    """
    for_update = [leaver_id] if leaver_id else ()
    actor = (await lock_people(work, for_update=for_update, for_share=[work.actor, *others])).get(work.actor)
    if not may_caller_be_frozen and actor is not None and actor.is_barred:
        raise Forbidden
