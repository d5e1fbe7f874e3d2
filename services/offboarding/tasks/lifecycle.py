"""What a case does with its tasks: opens them, gives them to others, reminds of them. Nothing here moves the case."""

from collections.abc import Sequence
from dataclasses import replace

from services.offboarding.assignees.handlers import ChooseAssignee, choose_and_lock_assignee
from services.offboarding.assignees.store import get_head_of_sales, get_main_successor, get_manager_or_head_of_sales
from services.offboarding.cases.rules import CaseRecord
from services.offboarding.checklist.rules import AssigneeRole, compute_due_day
from services.offboarding.saga import Case, CaseItem
from services.offboarding.tasks import store
from services.offboarding.tasks.rules import Task, make_task_event
from shared.calendar import Calendar
from shared.contracts.offboarding import TaskDue, TaskEvent, TaskOpened, TaskOverdue
from shared.database import UnitOfWork

REMINDERS_AT_ONCE = 500


async def open_task(work: UnitOfWork, record: CaseRecord, case: Case, item: CaseItem) -> None:
    """The task of this item, for whom the checklist names; the leaver's part is the manager's once the last day is over."""
    entry = next(entry for entry in record.checklist if entry.kind == item.asks_for)
    assignee_id = await choose_and_lock_assignee(work, _choose_by_role(record, case, entry.who))
    due_on = compute_due_day(entry, record.notice_on, record.last_day, work.today, Calendar(work.settings.holidays))
    task = await store.insert_task(
        work, case.get_item_id(item), case.id, entry.kind, entry.title, entry.who, assignee_id, due_on
    )
    if task is not None:
        work.publish(make_task_event(TaskOpened, task))


def _choose_by_role(record: CaseRecord, case: Case, role: AssigneeRole) -> ChooseAssignee:
    async def choose(work: UnitOfWork) -> str | None:
        match role:
            case "leaver" if not case.last_day_over:
                return record.employee_id
            case "successor":
                return await get_main_successor(work, case.id) or await get_manager_or_head_of_sales(
                    work, record.employee_id
                )
            case "leaver" | "manager":
                return await get_manager_or_head_of_sales(work, record.employee_id)
            case "sales_head":
                return await get_head_of_sales(work, record.employee_id)
            case "hr":
                return None  # for whoever of them comes

    return choose


async def hand_leavers_tasks_to_manager(work: UnitOfWork, record: CaseRecord) -> None:
    """The last day is over: what was for the leaver is for their manager."""
    manager_id = await choose_and_lock_assignee(
        work, lambda work: get_manager_or_head_of_sales(work, record.employee_id)
    )
    tasks = await store.lock_open_tasks(work, [record.id])
    theirs = [task for task in tasks if task.assignee_id == record.employee_id]
    await _save(work, [replace(task, assignee_id=manager_id, reminded="") for task in theirs])


async def hand_tasks_on(work: UnitOfWork, assignee_id: str, to_id: str) -> None:
    """Who leaves has to do nothing more in the cases of others."""
    tasks = await store.lock_open_tasks_in_cases_of_others(work, assignee_id)
    await _save(work, [replace(task, assignee_id=to_id) for task in tasks])


async def change_due_days(work: UnitOfWork, record: CaseRecord) -> None:
    """The dates of the departure have changed, and with them when open tasks are due."""
    calendar = Calendar(work.settings.holidays)
    due_days = {
        entry.kind: compute_due_day(entry, record.notice_on, record.last_day, work.today, calendar)
        for entry in record.checklist
    }
    tasks = await store.lock_open_tasks(work, [record.id])
    moved = [task for task in tasks if due_days[task.kind] != task.due_on]
    await _save(work, [replace(task, due_on=due_days[task.kind], reminded="") for task in moved])


async def cancel_tasks(work: UnitOfWork, case_id: str) -> None:
    tasks = await store.lock_open_tasks(work, [case_id])
    await store.update_tasks(
        work, [replace(task, status="cancelled", closed_at=work.now, closed_by=work.actor) for task in tasks]
    )


async def remind_of_due_tasks(work: UnitOfWork) -> bool:
    """On the day before, on the day itself, and after it; each once. True where there were any."""
    tasks = await store.lock_tasks_to_remind_of(work, work.today, REMINDERS_AT_ONCE)
    await _save(work, [replace(task, reminded="due") for task in tasks if task.due_on >= work.today], TaskDue)
    await _save(work, [replace(task, reminded="overdue") for task in tasks if task.due_on < work.today], TaskOverdue)
    return bool(tasks)


async def _save(work: UnitOfWork, tasks: Sequence[Task], event: type[TaskEvent] = TaskOpened) -> None:
    """Whoever gets a task, or another day for it, hears of it as of a new one."""
    await store.update_tasks(work, tasks)
    work.publish(*(make_task_event(event, task) for task in tasks))
