"""How a case moves: a reply goes in, what is to be asked comes out and is asked, in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.offboarding import saga
from services.offboarding.handlers.asking import ask
from services.offboarding.handlers.ending import cancel, clear, let_go_of_the_leaver, undo_begins
from services.offboarding.handlers.starting import start_next
from services.offboarding.saga import Case, Item, Reply
from services.offboarding.store import cases
from shared.contracts.offboarding import CaseNeedsPerson, OffboardingCancelled, StepCompleted
from shared.database import UnitOfWork
from shared.errors import NotFound

Row = Mapping[str, Any]


async def locked(work: UnitOfWork, case_id: str) -> tuple[Row, Case]:
    """The case, locked. Raises `NotFound`."""
    found = await cases.load(work, case_id)
    if found is None:
        raise NotFound
    return found


async def reply(work: UnitOfWork, row: Row, case: Case, *replies: Reply) -> Case:
    """Hands replies to the case, in order; asks for what comes of it. What the case does not wait for does nothing."""
    return await _move(work, row, case, replies)


async def begin(work: UnitOfWork, row: Row, case: Case) -> Case:
    """The first move of a new case."""
    return await _move(work, row, case, (), saga.advance)


async def _move(
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
        await cases.save(work, before, case)
        waiting += await _notice(work, row, before, case)
        waiting += await ask(work, row, case, items)
    return case


async def _notice(work: UnitOfWork, row: Row, before: Case, after: Case) -> list[Reply]:
    """Tells the others, and the timeline, what has changed. Returns what that settles in turn."""
    replies: list[Reply] = []
    told = {"case_id": after.id, "employee_id": row["employee_id"]}
    if after.last_day_over and not before.last_day_over:
        await cases.note(work, after.id, "last_day_over")
        replies += await let_go_of_the_leaver(work, row, after)
    if after.undo == "asked" and not before.undo:
        await undo_begins(work, row, after)
    over = saga.over_now(before, after)
    for step in after.begun:
        if step not in before.begun:
            await cases.note(work, after.id, "step_begun", step)
        if step in over:
            await cases.note(work, after.id, "step_over", step)
            if step == "clear":
                await clear(work, row, after)
            work.publish(StepCompleted(**told, step=step))
    failed = [item for item in after.items if item.status == "failed" and item not in before.items]
    refused = after.undo == "refused" and before.undo != "refused"
    for step, reason in [(item.step, item.reason or "failed") for item in failed] + [
        ("clear", "undo_refused")
    ] * refused:
        await cases.note(work, after.id, "needs_person", step, reason=reason)
        work.publish(CaseNeedsPerson(**told, step=step, reason=reason))
    if after.undo == "over" and before.undo != "over":
        await cancel(work, row, after)
        if after.status == "cancelled":
            work.publish(OffboardingCancelled(**told))
    closed = after.status in ("cleared", "cancelled") and after.undo in ("", "over")
    if closed and (before.status, before.undo) != (after.status, after.undo):
        following = await start_next(work, row)
        if following is not None:
            await begin(work, *following)
    return replies
