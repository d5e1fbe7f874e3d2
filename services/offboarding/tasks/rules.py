"""A human task: opened, handed to somebody else, done with proof where it is wanted, waived or called off."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from shared.contracts.offboarding import TaskEvent
from shared.errors import Refused, Unprocessable


class TaskClosed(Refused, code="task_over"):
    """This task has ended another way already."""


class ProofRequired(Unprocessable, code="proof_wanted"):
    """This task needs `proof`: say what shows that it is done."""


@dataclass(frozen=True, kw_only=True)
class TaskOut:
    id: str
    case_id: str
    kind: str
    title: str
    assignee_id: str | None
    who: str
    due_on: date
    status: Literal["open", "done", "waived", "cancelled"]
    proof: str | None = None
    reason: str | None = None
    opened_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Task(TaskOut):
    """Something that a person must do in the case of a leaver. `who`: for which role; `reminded`: which reminder went out last."""

    leaver_id: str
    reminded: Literal["", "due", "overdue"]


def make_task_event(event: type[TaskEvent], task: Task) -> TaskEvent:
    return event(
        case_id=task.case_id,
        employee_id=task.leaver_id,
        task_id=task.id,
        kind=task.kind,
        assignee_id=task.assignee_id,
        due_on=task.due_on,
    )


def complete_task(task: Task, proof: str | None, requires_proof: bool, actor: str, now: datetime) -> Task:
    """The same again changes nothing. Raises `TaskClosed`, `ProofRequired`."""
    if task.status == "done":
        return task
    if task.status != "open":
        raise TaskClosed
    if requires_proof and not proof:
        raise ProofRequired
    return replace(task, status="done", proof=proof, closed_at=now, closed_by=actor)


def waive_task(task: Task, reason: str, actor: str, now: datetime) -> Task:
    """The same again changes nothing. Raises `TaskClosed`."""
    if task.status == "waived":
        return task
    if task.status != "open":
        raise TaskClosed
    return replace(task, status="waived", reason=reason, closed_at=now, closed_by=actor)
