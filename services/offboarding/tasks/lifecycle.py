"""What a case does with its tasks: opens them, gives them to others, reminds of them. Nothing here moves the case."""

from collections.abc import Sequence

from services.offboarding.assignees.handlers import ChooseAssignee, lock_assignee
from services.offboarding.assignees.store import get_head_of_sales, get_main_successor, get_manager
from services.offboarding.cases.rules import CaseRecord
from services.offboarding.checklist.rules import AssigneeRole, compute_due_day
from services.offboarding.saga import Case, Item
from services.offboarding.tasks import rules, store
from shared.calendar import Calendar
from shared.contracts.offboarding import TaskEvent, TaskOpened
from shared.database import UnitOfWork

REMINDERS_AT_ONCE = 500


async def open_task(work: UnitOfWork, record: CaseRecord, case: Case, item: Item) -> None:
    """The task of this item, for whom the checklist names; the leaver's part is the manager's once the last day is over."""
    entry = next(entry for entry in record.checklist if entry.kind == item.what)
    assignee_id = await lock_assignee(work, _choose_by_role(record, case, entry.who))
    due_on = compute_due_day(entry, record.notice_on, record.last_day, work.today, Calendar(work.settings.holidays))
    task = await store.insert_task(
        work, case.id_of(item), case.id, entry.kind, entry.title, entry.who, assignee_id, due_on
    )
    if task is not None:
        work.publish(rules.make_task_event(TaskOpened, task))


def _choose_by_role(record: CaseRecord, case: Case, role: AssigneeRole) -> ChooseAssignee:
    async def choose(work: UnitOfWork) -> str | None:
        match role:
            case "leaver" if not case.last_day_over:
                return record.employee_id
            case "successor":
                return await get_main_successor(work, case.id) or await get_manager(work, record.employee_id)
            case "leaver" | "manager":
                return await get_manager(work, record.employee_id)
            case "sales_head":
                return await get_head_of_sales(work, record.employee_id)
            case "hr":
                return None  # for whoever of them comes

    return choose


async def hand_leavers_tasks_to_manager(work: UnitOfWork, record: CaseRecord) -> None:
    """The last day is over: what was for the leaver is for their manager."""
    manager_id = await lock_assignee(work, lambda work: get_manager(work, record.employee_id))
    tasks = await store.lock_open_tasks(work, [record.id])
    await _save(
        work,
        [
            rules.reassign_task(task, manager_id, remind_again=True)
            for task in tasks
            if task.assignee_id == record.employee_id
        ],
    )


async def hand_tasks_on(work: UnitOfWork, assignee_id: str, to_id: str) -> None:
    """Who leaves has to do nothing more in the cases of others."""
    tasks = await store.lock_open_tasks_for_others(work, assignee_id)
    await _save(work, [rules.reassign_task(task, to_id) for task in tasks])


async def change_due_days(work: UnitOfWork, record: CaseRecord) -> None:
    """The dates of the departure have changed, and with them when open tasks are due."""
    calendar = Calendar(work.settings.holidays)
    due_days = {
        entry.kind: compute_due_day(entry, record.notice_on, record.last_day, work.today, calendar)
        for entry in record.checklist
    }
    tasks = await store.lock_open_tasks(work, [record.id])
    await _save(
        work,
        [rules.change_due_day(task, due_days[task.kind]) for task in tasks if due_days[task.kind] != task.due_on],
    )


async def cancel_tasks(work: UnitOfWork, case_id: str) -> None:
    tasks = await store.lock_open_tasks(work, [case_id])
    await store.update_tasks(work, [rules.cancel_task(task, work.actor, work.now) for task in tasks])


async def remind_of_due_tasks(work: UnitOfWork) -> bool:
    """On the day before, on the day itself, and after it; each once. True where there were any."""
    tasks = await store.lock_tasks_to_remind_of(work, work.today, REMINDERS_AT_ONCE)
    await _save(work, [rules.remind_of_task(task, work.today) for task in tasks])
    return bool(tasks)


async def _save(work: UnitOfWork, changes: Sequence[tuple[rules.Task, TaskEvent]]) -> None:
    await store.update_tasks(work, [task for task, _ in changes])
    work.publish(*(event for _, event in changes))
