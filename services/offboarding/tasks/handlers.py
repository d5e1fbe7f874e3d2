"""Human tasks are done, with proof where it is wanted, or dropped by the head of sales with a reason."""

from services.offboarding.cases.journal import journal_decision
from services.offboarding.cases.runner import answer_case, require_locked_case
from services.offboarding.cases.store import insert_timeline_entry
from services.offboarding.permissions.handlers import lock_participants, require_head_of_case
from services.offboarding.permissions.rules import Row, Viewer
from services.offboarding.permissions.store import get_leaver_id, get_visible_case, is_head_of_case
from services.offboarding.saga import Case, Reply
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound, Refused, Unprocessable


class TaskClosed(Refused, code="task_over"):
    """This task has ended another way already."""


class ProofRequired(Unprocessable, code="proof_wanted"):
    """This task needs `proof`: say what shows that it is done."""


class DocumentsNotReceived(Refused, code="inventory_open"):
    """Some documents of the inventory have not been received yet. Hand them over and let the receiver sign."""


async def complete_task(work: UnitOfWork, viewer: Viewer, task_id: str, proof: str | None) -> Row:
    """Raises `NotFound`, `Forbidden`, `TaskOver`, `ProofWanted`, `InventoryOpen`. The same again gives the same answer."""
    task = await _get_visible_task(work, viewer, task_id)
    may = task["assignee_id"] == viewer.sub or ("hr" in viewer.roles and task["who"] == "hr")
    if not may and not await is_head_of_case(work, viewer, task["case_id"]):
        raise Forbidden
    row, case = await _lock_case_of_task(work, task["case_id"], frozen_too=True)
    task = await _reread_task(work, task_id)
    if task["status"] == "done":
        return task
    if task["status"] != "open":
        raise TaskClosed
    wanted = any(entry["kind"] == task["kind"] and entry["proof"] for entry in row["checklist"])
    if wanted and not proof:
        raise ProofRequired
    if task["kind"] == "documents" and await work.fetch_value(
        "SELECT 1 FROM documents WHERE case_id = :id AND status <> 'received' LIMIT 1", id=case.id
    ):
        raise DocumentsNotReceived
    await _close_task(work, task_id, "done", proof=proof)
    await insert_timeline_entry(work, case.id, "task_done", "hand_over", kind=task["kind"], task_id=task_id)
    await answer_case(work, row, case, Reply(f"{case.id}/hand_over/{task['kind']}"))
    return await _reread_task(work, task_id)


async def waive_task(work: UnitOfWork, viewer: Viewer, task_id: str, reason: str) -> Row:
    """Drops a task. Raises `NotFound`, `Forbidden` for anybody but the head of sales, `TaskOver`."""
    task = await _get_visible_task(work, viewer, task_id)
    await require_head_of_case(work, viewer, task["case_id"])
    row, case = await _lock_case_of_task(work, task["case_id"])
    task = await _reread_task(work, task_id)
    if task["status"] == "waived":
        return task
    if task["status"] != "open":
        raise TaskClosed
    await _close_task(work, task_id, "waived", reason=reason)
    journal_decision(work, row, "task_waived", task_id=task_id, task=task["kind"])
    await insert_timeline_entry(work, case.id, "task_waived", "hand_over", kind=task["kind"], task_id=task_id)
    await answer_case(work, row, case, Reply(f"{case.id}/hand_over/{task['kind']}", "waived", "waived"))
    return await _reread_task(work, task_id)


async def _get_visible_task(work: UnitOfWork, viewer: Viewer, task_id: str) -> Row:
    task = await work.fetch_row("SELECT * FROM tasks WHERE id = :id", id=task_id)
    if task is None:
        raise NotFound
    await get_visible_case(work, viewer, task["case_id"])
    seen = (
        task["assignee_id"] == viewer.sub or viewer.sees_all() or await is_head_of_case(work, viewer, task["case_id"])
    )
    if not seen:
        raise NotFound
    return task


async def _reread_task(work: UnitOfWork, task_id: str) -> Row:
    task = await work.fetch_row("SELECT * FROM tasks WHERE id = :id", id=task_id)
    if task is None:
        raise NotFound
    return task


async def _lock_case_of_task(work: UnitOfWork, case_id: str, frozen_too: bool = False) -> tuple[Row, Case]:
    await lock_participants(work, await get_leaver_id(work, case_id), frozen_too=frozen_too)
    return await require_locked_case(work, case_id)


async def _close_task(
    work: UnitOfWork, task_id: str, status: str, proof: str | None = None, reason: str | None = None
) -> None:
    await work.execute(
        """
        UPDATE tasks SET status = :status, proof = :proof, reason = :reason, closed_at = :now, closed_by = :actor
        WHERE id = :id
        """,
        id=task_id,
        status=status,
        proof=proof,
        reason=reason,
        now=work.now,
        actor=work.actor,
    )
