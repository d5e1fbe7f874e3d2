"""Answers to the commands of a case, its deadlines, and what people decide when something failed."""

from collections.abc import Sequence

from services.offboarding.assignees.store import list_heads_of_sales
from services.offboarding.cases import rules, store
from services.offboarding.cases.rules import CaseDetails, CaseRecord, CaseSummary, TimelineEntry
from services.offboarding.cases.runner import apply_replies
from services.offboarding.introductions.lifecycle import propose_introductions_or_visits
from services.offboarding.introductions.rules import make_introduction_changed
from services.offboarding.introductions.store import lock_open_introductions, update_pass_status
from services.offboarding.moves.rules import make_chunk
from services.offboarding.moves.store import list_stayed_clients, save_results_and_count_failures
from services.offboarding.permissions.handlers import lock_participants, require_head_of_case
from services.offboarding.permissions.rules import Viewer
from services.offboarding.saga import Case, CaseItem, Outcome, Reply
from services.offboarding.tasks.lifecycle import remind_of_due_tasks
from services.offboarding.tasks.rules import make_task_event
from services.offboarding.tasks.store import lock_open_tasks
from services.offboarding.visits.lifecycle import open_visits_to_remainder
from services.offboarding.visits.rules import make_visit_opened
from services.offboarding.visits.store import lock_open_visits
from shared.contracts.clients import CommandAnswered
from shared.contracts.offboarding import TaskOpened
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused
from shared.journal import publish_journal_entry
from shared.messages import Envelope
from shared.outbox.republication import republish_in_batches
from shared.paging import Paging
from shared.people.store import lock_people
from shared.service import Runtime

REPUBLISHED_AT_ONCE = 500


class NothingFailed(Refused, code="nothing_failed"):
    """Nothing in this case has failed. `retry` with `step` `plan` makes a plan that awaits approval anew."""


async def on_command_answered(work: UnitOfWork, envelope: Envelope[CommandAnswered]) -> None:
    """Writes the result of each move, opens the introductions of what has moved, and tells the case."""
    answer = envelope.data
    all_done = answer.outcome == "done" and all(result.outcome == "done" for result in answer.results)
    if await update_pass_status(work, answer.case_id, answer.command_id, is_granted=all_done):
        return
    await lock_people(work, for_update=[answer.employee_id])
    try:
        record, case = await store.lock_case(work, answer.case_id)
    except NotFound:
        return
    item = next((item for item in case.items if case.get_item_id(item) == answer.command_id), None)
    if item is None or item.status != "asked":
        return
    failed = await _follow_results(work, record, case, item, answer) if item.move_kind else 0
    if answer.outcome == "done" and (not failed or item.is_undo):
        reply = Reply(answer.command_id)
    else:
        outcome: Outcome = "stale" if answer.outcome == "stale" else "failed"
        reply = Reply(answer.command_id, outcome, answer.reason or ("partly_refused" if failed else answer.outcome))
    await apply_replies(work, record, case, reply)


async def _follow_results(
    work: UnitOfWork, record: CaseRecord, case: Case, item: CaseItem, answer: CommandAnswered
) -> int:
    """Writes the results of a chunk and opens what they bring with them; returns how many moves are still to be made."""
    chunk = make_chunk(case.id, item)
    failed = await save_results_and_count_failures(work, chunk, item.is_undo, answer)
    if item.move_kind == "client" and not item.is_undo and not case.undo:
        await propose_introductions_or_visits(work, record, case, chunk)
    elif item.move_kind == "left_client":
        await open_visits_to_remainder(work, record, chunk)
    return failed


async def list_cases(
    work: UnitOfWork, viewer: Viewer, paging: Paging, employee_id: str | None, status: str | None
) -> list[CaseSummary]:
    """A page of the cases that the caller may know of."""
    return await _summarise(work, await store.list_cases(work, viewer, paging, employee_id, status))


async def get_case(work: UnitOfWork, viewer: Viewer, case_id: str) -> CaseDetails:
    """Raises `NotFound`."""
    record = await store.get_visible_case(work, viewer, case_id)
    (summary,) = await _summarise(work, [record])
    is_undone = record.undo in ("asked", "over") and record.cleared_at is None
    return CaseDetails(**vars(summary), stayed=await list_stayed_clients(work, case_id) if is_undone else ())


async def _summarise(work: UnitOfWork, records: Sequence[CaseRecord]) -> list[CaseSummary]:
    heads = await list_heads_of_sales(work, [record.employee_id for record in records])
    steps = await store.list_begun_steps(work, [record.id for record in records])
    waiting = await store.list_waiting_by_case(work, records, heads)
    return [
        rules.make_summary(record, steps[record.id], heads[record.employee_id], waiting[record.id])
        for record in records
    ]


async def list_timeline(work: UnitOfWork, viewer: Viewer, paging: Paging, case_id: str) -> list[TimelineEntry]:
    """A page of what happened in a case. Raises `NotFound`."""
    await store.get_visible_case(work, viewer, case_id)
    return await store.list_timeline(work, paging, case_id)


async def retry_failed_items(work: UnitOfWork, viewer: Viewer, case_id: str, step: str | None) -> CaseDetails:
    """Tries again what has failed (of `step`, if given). Failed transfers are planned anew; a refused undo lifts the freeze.

    Raises `NotFound`, `Forbidden`, `NothingFailed`.
    """
    record, case = await _lock_case_as_head(work, viewer, case_id)
    items = [
        item
        for item in case.items
        if (item.status == "failed" and step in (None, item.step))
        or (step == "plan" and item.asks_for == "approval" and item.status == "asked")
    ]
    replies = [Reply(case.get_item_id(item), "retry") for item in items]
    if case.undo == "refused" and step in (None, "freeze"):
        replies.append(Reply(case.undo_id, "forced"))
    await _decide(work, record, case, "retried", step, replies)
    return await get_case(work, viewer, case_id)


async def skip_failed_items(
    work: UnitOfWork, viewer: Viewer, case_id: str, step: str | None, reason: str
) -> CaseDetails:
    """Goes on without what has failed: it stays with the caretaker, and stands in the certificate with the reason.

    Raises `NotFound`, `Forbidden`, `NothingFailed`.
    """
    record, case = await _lock_case_as_head(work, viewer, case_id)
    items = [item for item in case.items if item.status == "failed" and step in (None, item.step)]
    replies = [Reply(case.get_item_id(item), "skipped", reason) for item in items]
    if case.undo == "refused" and step in (None, "freeze"):
        replies.append(Reply(case.undo_id, "skipped"))
    await _decide(work, record, case, "skipped", step, replies)
    return await get_case(work, viewer, case_id)


async def _lock_case_as_head(work: UnitOfWork, viewer: Viewer, case_id: str) -> tuple[CaseRecord, Case]:
    rights = await require_head_of_case(work, viewer, case_id)
    await lock_participants(work, rights.leaver_id)
    return await store.lock_case(work, case_id)


async def _decide(
    work: UnitOfWork, record: CaseRecord, case: Case, what: str, step: str | None, replies: Sequence[Reply]
) -> None:
    if not replies:
        raise NothingFailed
    publish_journal_entry(work, f"case_{what}", employee_id=record.employee_id, case_id=case.id, step=step)
    await store.insert_timeline_entry(work, case.id, what, step)
    await apply_replies(work, record, case, *replies)


async def watch_deadlines(runtime: Runtime) -> bool:
    """Ends last days and reminds of tasks; True where there were any."""
    if await runtime.transact(end_next_last_day):
        return True  # reminders wait: what was the leaver's is somebody else's now
    reminded = await runtime.transact(remind_of_due_tasks)
    stuck = await runtime.transact(store.count_cases_needing_person)
    runtime.metrics.alarm.labels(runtime.name, "case_needs_person").set(stuck)
    return reminded


async def end_next_last_day(work: UnitOfWork) -> bool:
    """One case whose last day is over. `employee.left` says the same; whichever comes first is heard."""
    found = await store.get_next_case_past_last_day(work)
    if found is None:
        return False
    await lock_people(work, for_update=[found.employee_id])
    record, case = await store.lock_case(work, found.id)
    if record.last_day >= work.today:
        return True  # moved since we looked: look again
    after = await apply_replies(work, record, case, Reply(case.last_day_id))
    return after is not case


async def republish_cases(runtime: Runtime) -> int:
    """Every case that is not cancelled, and what is open in it; returns how many events that is."""
    return await republish_in_batches(runtime, _republish_batch)


async def _republish_batch(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    records = await store.list_uncancelled_cases_after(work, after, REPUBLISHED_AT_ONCE)
    case_ids = [record.id for record in records]
    work.publish(
        *(record.make_started() for record in records),
        *(make_task_event(TaskOpened, task) for task in await lock_open_tasks(work, case_ids)),
        *map(make_visit_opened, await lock_open_visits(work, case_ids)),
        *map(make_introduction_changed, await lock_open_introductions(work, case_ids)),
    )
    return len(work.outgoing), case_ids[-1] if len(records) == REPUBLISHED_AT_ONCE else None
