"""Human tasks are done, with proof where it is wanted, or dropped by the head of sales with a reason."""

from collections.abc import Mapping
from typing import Any

from services.offboarding.handlers import moving
from services.offboarding.handlers.ending import decided
from services.offboarding.saga import Case, Reply
from services.offboarding.store import cases
from services.offboarding.store.seeing import Viewer, hold, leads, leaver_of, must_lead, see_case
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound, Refused, Unprocessable

Row = Mapping[str, Any]


class TaskOver(Refused, code="task_over"):
    """This task has ended another way already."""


class ProofWanted(Unprocessable, code="proof_wanted"):
    """This task needs `proof`: say what shows that it is done."""


class InventoryOpen(Refused, code="inventory_open"):
    """Some documents of the inventory have not been received yet. Hand them over and let the receiver sign."""


async def complete(work: UnitOfWork, viewer: Viewer, task_id: str, proof: str | None) -> Row:
    """Raises `NotFound`, `Forbidden`, `TaskOver`, `ProofWanted`, `InventoryOpen`. The same again gives the same answer."""
    task = await _task(work, viewer, task_id)
    may = task["assignee_id"] == viewer.sub or ("hr" in viewer.roles and task["who"] == "hr")
    if not may and not await leads(work, viewer, task["case_id"]):
        raise Forbidden
    row, case = await _locked(work, task["case_id"], frozen_too=True)
    task = await _again(work, task_id)
    if task["status"] == "done":
        return task
    if task["status"] != "open":
        raise TaskOver
    wanted = any(entry["kind"] == task["kind"] and entry["proof"] for entry in row["checklist"])
    if wanted and not proof:
        raise ProofWanted
    if task["kind"] == "documents" and await work.fetch_value(
        "SELECT 1 FROM documents WHERE case_id = :id AND status <> 'received' LIMIT 1", id=case.id
    ):
        raise InventoryOpen
    await _close(work, task_id, "done", proof=proof)
    await cases.note(work, case.id, "task_done", "hand_over", kind=task["kind"], task_id=task_id)
    await moving.reply(work, row, case, Reply(f"{case.id}/hand_over/{task['kind']}"))
    return await _again(work, task_id)


async def waive(work: UnitOfWork, viewer: Viewer, task_id: str, reason: str) -> Row:
    """Drops a task. Raises `NotFound`, `Forbidden` for anybody but the head of sales, `TaskOver`."""
    task = await _task(work, viewer, task_id)
    await must_lead(work, viewer, task["case_id"])
    row, case = await _locked(work, task["case_id"])
    task = await _again(work, task_id)
    if task["status"] == "waived":
        return task
    if task["status"] != "open":
        raise TaskOver
    await _close(work, task_id, "waived", reason=reason)
    decided(work, row, "task_waived", task_id=task_id, task=task["kind"])
    await cases.note(work, case.id, "task_waived", "hand_over", kind=task["kind"], task_id=task_id)
    await moving.reply(work, row, case, Reply(f"{case.id}/hand_over/{task['kind']}", "waived", "waived"))
    return await _again(work, task_id)


async def _task(work: UnitOfWork, viewer: Viewer, task_id: str) -> Row:
    task = await work.fetch_row("SELECT * FROM tasks WHERE id = :id", id=task_id)
    if task is None:
        raise NotFound
    await see_case(work, viewer, task["case_id"])
    seen = task["assignee_id"] == viewer.sub or viewer.sees_all() or await leads(work, viewer, task["case_id"])
    if not seen:
        raise NotFound
    return task


async def _again(work: UnitOfWork, task_id: str) -> Row:
    task = await work.fetch_row("SELECT * FROM tasks WHERE id = :id", id=task_id)
    if task is None:
        raise NotFound
    return task


async def _locked(work: UnitOfWork, case_id: str, frozen_too: bool = False) -> tuple[Row, Case]:
    await hold(work, await leaver_of(work, case_id), frozen_too=frozen_too)
    return await moving.locked(work, case_id)


async def _close(
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
