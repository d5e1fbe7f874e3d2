"""The company sets its checklist."""

from collections.abc import Callable, Sequence

from services.offboarding.checklist import rules, store
from shared.database import UnitOfWork


async def set_checklist(
    work: UnitOfWork, company_entries: Sequence[rules.ChecklistEntry], check_version: Callable[[int], None]
) -> rules.Checklist:
    """A new version, unless nothing differs. Raises `TaskKindTaken`, and what `check_version` raises of the present one."""
    rules.require_distinct_unreserved_kinds(company_entries)
    await store.lock_checklist(work)
    checklist = await store.get_checklist(work)
    check_version(checklist.version)
    if rules.add_standard_tasks(company_entries) == checklist.entries:
        return checklist
    await store.insert_checklist(work, checklist.version + 1, company_entries)
    return await store.get_checklist(work)
