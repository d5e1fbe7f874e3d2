"""How a case moves: replies go in, what is to be asked comes out and is asked, in one transaction."""

from collections.abc import Sequence
from dataclasses import replace

from services.offboarding import saga
from services.offboarding.cases import effects, store
from services.offboarding.cases.asks import ask_for_items
from services.offboarding.cases.rules import CaseRecord, Departure, list_checklist_tasks, make_case_id
from services.offboarding.checklist.store import get_checklist
from services.offboarding.saga import NEWEST_TABLE_VERSION, Case, CaseItem, Reply
from shared.contracts.offboarding import CaseNeedsPerson, OffboardingCancelled, StepCompleted
from shared.database import UnitOfWork


async def open_case(work: UnitOfWork, departure: Departure) -> None:
    """Opens the case of a departure: its row, its event, its first items."""
    checklist = (await get_checklist(work)).entries
    case = Case(make_case_id(departure), list_checklist_tasks(checklist), NEWEST_TABLE_VERSION)
    record = await store.insert_case(work, case, departure, checklist)
    work.publish(record.make_started())
    await store.insert_timeline_entry(work, case.id, "started", last_day=departure.last_day.isoformat())
    before = replace(case, last_day_over=departure.over)
    after, items = saga.advance(before)
    await apply_replies(work, record, after, *await _follow_move(work, record, before, after, items))


async def apply_replies(work: UnitOfWork, record: CaseRecord, case: Case, *replies: Reply) -> Case:
    """Gives replies to the case, in order; asks for what comes of it. What the case does not wait for does nothing."""
    waiting = list(replies)
    while waiting:
        before = case
        case, items = saga.answer(before, waiting.pop(0))
        if case is not before:
            waiting += await _follow_move(work, record, before, case, items)
    return case


async def _follow_move(
    work: UnitOfWork, record: CaseRecord, before: Case, after: Case, items: Sequence[CaseItem]
) -> list[Reply]:
    """Saves the case, does what follows from the move and asks for the items. Returns what that settles in turn."""
    await store.update_case(work, before, after)
    replies: list[Reply] = []
    if after.last_day_over and not before.last_day_over:
        await effects.reassign_leavers_open_work(work, record)
        if after.is_over("transfer"):
            replies.append(Reply(after.get_task_item_id("introductions")))
    if after.undo == "asked" and not before.undo:
        await effects.cancel_open_work(work, record)
    await _announce_steps(work, record, before, after)
    await _announce_failures(work, record, before, after)
    if after.undo == "over" and before.undo != "over":
        await effects.lift_freeze_in_own_copy(work, record, after)
        if after.status == "cancelled":
            work.publish(OffboardingCancelled(case_id=after.id, employee_id=record.employee_id))
    is_closed = after.status in ("cleared", "cancelled") and after.undo in ("", "over")
    if is_closed and (before.status, before.undo) != (after.status, after.undo):
        await _begin_waiting_case(work, after.id)
    return replies + await ask_for_items(work, record, after, items)


async def _announce_steps(work: UnitOfWork, record: CaseRecord, before: Case, after: Case) -> None:
    """Tells the others, and the timeline, which steps have begun and which are over."""
    just_over = saga.list_steps_just_over(before, after)
    for step in after.begun_steps:
        if step not in before.begun_steps:
            await store.insert_timeline_entry(work, after.id, "step_begun", step)
        if step in just_over:
            await store.insert_timeline_entry(work, after.id, "step_over", step)
            if step == "clear":
                await effects.save_figures_and_announce_cleared(work, record)
            work.publish(StepCompleted(case_id=after.id, employee_id=record.employee_id, step=step))


async def _announce_failures(work: UnitOfWork, record: CaseRecord, before: Case, after: Case) -> None:
    """Tells the others, and the timeline, what has failed and waits for a person."""
    failures = [
        (item.step, item.reason or "failed")
        for item in after.items
        if item.status == "failed" and item not in before.items
    ]
    if after.undo == "refused" and before.undo != "refused":
        failures.append(("clear", "undo_refused"))
    for step, reason in failures:
        await store.insert_timeline_entry(work, after.id, "needs_person", step, reason=reason)
        work.publish(CaseNeedsPerson(case_id=after.id, employee_id=record.employee_id, step=step, reason=reason))


async def _begin_waiting_case(work: UnitOfWork, case_id: str) -> None:
    """The departure that was announced while this case was being undone, if any."""
    departure = (await store.get_case(work, case_id)).next_departure
    if departure is not None:
        await store.update_next_departure(work, case_id, None)
        await open_case(work, departure)
