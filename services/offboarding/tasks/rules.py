"""A human task: opened, handed to somebody else, done with proof where it is wanted, waived or called off."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from shared.contracts.offboarding import TaskDue, TaskEvent, TaskOpened, TaskOverdue
from shared.errors import Refused, Unprocessable


class TaskClosed(Refused, code="task_over"):
    """This task has ended another way already."""


class ProofRequired(Unprocessable, code="proof_wanted"):
    """This task needs `proof`: say what shows that it is done."""


@dataclass(frozen=True)
class Task:
    """Something that a person must do in the case of a leaver. `who`: for which role; `reminded`: which reminder went out last."""

    id: str
    case_id: str
    leaver_id: str
    kind: str
    title: str
    who: str
    assignee_id: str | None
    due_on: date
    opened_at: datetime
    status: Literal["open", "done", "waived", "cancelled"] = "open"
    proof: str | None = None
    reason: str | None = None
    reminded: Literal["", "due", "overdue"] = ""
    closed_at: datetime | None = None
    closed_by: str | None = None


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


def cancel_task(task: Task, actor: str, now: datetime) -> Task:
    return replace(task, status="cancelled", closed_at=now, closed_by=actor)


def reassign_task(task: Task, assignee_id: str | None, remind_again: bool = False) -> tuple[Task, TaskEvent]:
    """For somebody new it is opened anew."""
    changed = replace(task, assignee_id=assignee_id, reminded="" if remind_again else task.reminded)
    return changed, make_task_event(TaskOpened, changed)


def change_due_day(task: Task, due_on: date) -> tuple[Task, TaskEvent]:
    """Reminders begin again."""
    changed = replace(task, due_on=due_on, reminded="")
    return changed, make_task_event(TaskOpened, changed)


def remind_of_task(task: Task, today: date) -> tuple[Task, TaskEvent]:
    """`task.overdue` after the day on which it was due, else `task.due`."""
    is_overdue = task.due_on < today
    changed = replace(task, reminded="overdue" if is_overdue else "due")
    return changed, make_task_event(TaskOverdue if is_overdue else TaskDue, changed)
