"""How a case moves: replies go in, what is to be asked comes out and is asked, in one transaction."""

import json
from collections.abc import Callable, Sequence

from services.offboarding import saga
from services.offboarding.cases import asks, effects, rules, store
from services.offboarding.checklist.rules import checklist_from_json, checklist_to_json, complete_checklist
from services.offboarding.permissions.rules import Row
from services.offboarding.saga import NEWEST_TABLE_VERSION, Case, ChecklistTask, Item, Reply, list_steps_just_over
from shared.contracts.offboarding import CaseNeedsPerson, OffboardingCancelled, OffboardingStarted, StepCompleted
from shared.database import UnitOfWork
from shared.errors import NotFound


async def require_locked_case(work: UnitOfWork, case_id: str) -> tuple[Row, Case]:
    """The case, locked. Raises `NotFound`."""
    found = await store.lock_case(work, case_id)
    if found is None:
        raise NotFound
    return found


async def answer_case(work: UnitOfWork, row: Row, case: Case, *replies: Reply) -> Case:
    """Hands replies to the case, in order; asks for what comes of it. What the case does not wait for does nothing."""
    return await _move_case(work, row, case, replies)


async def begin_case(work: UnitOfWork, row: Row, case: Case) -> Case:
    """The first move of a new case."""
    return await _move_case(work, row, case, (), saga.advance)


async def _move_case(
    work: UnitOfWork,
    row: Row,
    case: Case,
    replies: Sequence[Reply],
    first: Callable[[Case], tuple[Case, list[Item]]] | None = None,
) -> Case:
    waiting = list(replies)
    while first is not None or waiting:
        before = case
        case, items = first(case) if first is not None else saga.answer(case, waiting.pop(0))
        first = None
        if case is before:
            continue
        await store.update_case(work, before, case)
        waiting += await _follow_changes(work, row, before, case)
        waiting += await asks.ask_for_items(work, row, case, items)
    return case


async def _follow_changes(work: UnitOfWork, row: Row, before: Case, after: Case) -> list[Reply]:
    """Tells the others, and the timeline, what has changed. Returns what that settles in turn."""
    replies: list[Reply] = []
    told = {"case_id": after.id, "employee_id": row["employee_id"]}
    if after.last_day_over and not before.last_day_over:
        await store.insert_timeline_entry(work, after.id, "last_day_over")
        replies += await effects.end_leavers_part(work, row, after)
    if after.undo == "asked" and not before.undo:
        await effects.cancel_open_work(work, row, after)
    over = list_steps_just_over(before, after)
    for step in after.begun:
        if step not in before.begun:
            await store.insert_timeline_entry(work, after.id, "step_begun", step)
        if step in over:
            await store.insert_timeline_entry(work, after.id, "step_over", step)
            if step == "clear":
                await effects.close_handover(work, row, after)
            work.publish(StepCompleted(**told, step=step))
    failed = [item for item in after.items if item.status == "failed" and item not in before.items]
    refused = after.undo == "refused" and before.undo != "refused"
    for step, reason in [(item.step, item.reason or "failed") for item in failed] + [
        ("clear", "undo_refused")
    ] * refused:
        await store.insert_timeline_entry(work, after.id, "needs_person", step, reason=reason)
        work.publish(CaseNeedsPerson(**told, step=step, reason=reason))
    if after.undo == "over" and before.undo != "over":
        await effects.lift_freeze(work, row, after)
        if after.status == "cancelled":
            work.publish(OffboardingCancelled(**told))
    closed = after.status in ("cleared", "cancelled") and after.undo in ("", "over")
    if closed and (before.status, before.undo) != (after.status, after.undo):
        following = await start_waiting_case(work, row)
        if following is not None:
            await begin_case(work, *following)
    return replies


async def start_case(work: UnitOfWork, departure: rules.Departure) -> tuple[Row, Case]:
    """A new case, not yet begun."""
    own = await work.fetch_value("SELECT entries FROM checklist ORDER BY version DESC LIMIT 1")
    checklist = complete_checklist(checklist_from_json(own or []))
    case = Case(
        id=rules.make_case_id(departure),
        wanted=tuple(ChecklistTask(entry.kind, entry.after_transfer) for entry in checklist),
        version=NEWEST_TABLE_VERSION,
    )
    row = await work.fetch_row(
        """
        INSERT INTO cases (id, employee_id, employment_id, ref, caretakers, notice_on, last_day, table_version, checklist,
                           status, step, opened_at)
        VALUES (:id, :employee_id, :employment_id, :ref, CAST(:caretakers AS jsonb), :notice_on, :last_day, :version,
                CAST(:checklist AS jsonb), 'open', 'freeze', :now)
        RETURNING *
        """,
        id=case.id,
        employee_id=departure.employee_id,
        employment_id=departure.employment_id,
        ref=departure.ref,
        caretakers=json.dumps(departure.caretakers),
        notice_on=departure.notice_on,
        last_day=departure.last_day,
        version=case.version,
        checklist=json.dumps(checklist_to_json(checklist)),
        now=work.now,
    )
    if row is None:
        raise AssertionError("an INSERT without a row")
    work.publish(
        OffboardingStarted(
            case_id=case.id,
            employee_id=departure.employee_id,
            employment_id=departure.employment_id,
            last_day=departure.last_day,
        )
    )
    await store.insert_timeline_entry(work, case.id, "started", last_day=departure.last_day.isoformat())
    return row, case


async def start_waiting_case(work: UnitOfWork, row: Row) -> tuple[Row, Case] | None:
    """The departure that was announced while this case was being undone, if any."""
    waiting = await work.fetch_value("SELECT next_departure FROM cases WHERE id = :id", id=row["id"])
    if waiting is None:
        return None
    await work.execute("UPDATE cases SET next_departure = NULL WHERE id = :id", id=row["id"])
    departure = rules.Departure.from_row(waiting)
    new, case = await start_case(work, departure)
    if departure.over:
        case = Case(**{**vars(case), "last_day_over": True})
    return new, case
