"""Human tasks are done, with proof where it is wanted, or dropped by the head of sales with a reason."""

from services.offboarding.cases.runner import apply_replies
from services.offboarding.cases.store import insert_timeline_entry, lock_case
from services.offboarding.documents.store import exists_unreceived_document
from services.offboarding.permissions.handlers import lock_participants, require_head_of_case, require_may_see_case
from services.offboarding.permissions.rules import Viewer
from services.offboarding.saga import Reply
from services.offboarding.tasks import rules, store
from services.offboarding.tasks.rules import Task
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound, Refused
from shared.journal import publish_journal_entry


class DocumentsNotReceived(Refused, code="inventory_open"):
    """Some documents of the inventory have not been received yet. Hand them over and let the receiver sign."""


async def complete_task(work: UnitOfWork, viewer: Viewer, task_id: str, proof: str | None) -> Task:
    """By the assignee, by `hr` where it is theirs, or by the head of sales. The same again gives the same answer.

    Raises `NotFound`, `Forbidden`, `TaskClosed`, `ProofRequired`, `DocumentsNotReceived`.
    """
    seen = await store.get_task(work, task_id)
    rights = await require_may_see_case(work, viewer, seen.case_id)
    is_assignee = seen.assignee_id == viewer.sub
    if not (is_assignee or viewer.sees_all_cases or rights.is_head):
        raise NotFound
    if not (is_assignee or rights.is_head or ("hr" in viewer.roles and seen.who == "hr")):
        raise Forbidden
    await lock_participants(work, seen.leaver_id, may_caller_be_frozen=True)
    record, case = await lock_case(work, seen.case_id)
    before = await store.lock_task(work, task_id)
    requires_proof = any(entry.kind == before.kind and entry.proof for entry in record.checklist)
    task = rules.complete_task(before, proof, requires_proof, work.actor, work.now)
    if task is before:
        return task
    if task.kind == "documents" and await exists_unreceived_document(work, case.id):
        raise DocumentsNotReceived
    await store.update_tasks(work, [task])
    await insert_timeline_entry(work, case.id, "task_done", "hand_over", kind=task.kind, task_id=task_id)
    await apply_replies(work, record, case, Reply(case.get_task_item_id(task.kind)))
    return task


async def waive_task(work: UnitOfWork, viewer: Viewer, task_id: str, reason: str) -> Task:
    """Drops a task. Raises `NotFound`, `Forbidden` for anybody but the head of sales, `TaskClosed`."""
    seen = await store.get_task(work, task_id)
    await require_head_of_case(work, viewer, seen.case_id)
    await lock_participants(work, seen.leaver_id)
    record, case = await lock_case(work, seen.case_id)
    before = await store.lock_task(work, task_id)
    task = rules.waive_task(before, reason, work.actor, work.now)
    if task is before:
        return task
    await store.update_tasks(work, [task])
    publish_journal_entry(
        work, "task_waived", employee_id=task.leaver_id, case_id=case.id, task_id=task_id, task=task.kind
    )
    await insert_timeline_entry(work, case.id, "task_waived", "hand_over", kind=task.kind, task_id=task_id)
    await apply_replies(work, record, case, Reply(case.get_task_item_id(task.kind), "waived", "waived"))
    return task
