"""The company sets its checklist."""

from collections.abc import Callable, Sequence

from services.offboarding.checklist import rules, store
from shared.database import UnitOfWork


async def set_checklist(
    work: UnitOfWork, own: Sequence[rules.ChecklistEntry], check_version: Callable[[int], None]
) -> rules.Checklist:
    """A new version, unless nothing differs. Raises `DuplicateTaskKind`, and what `check_version` raises of the present one."""
    rules.require_distinct_kinds(own)
    await store.lock_checklist(work)
    checklist = await store.get_checklist(work)
    check_version(checklist.version)
    if rules.complete_checklist(own) == checklist.entries:
        return checklist
    await store.insert_checklist(work, checklist.version + 1, own)
    return await store.get_checklist(work)
