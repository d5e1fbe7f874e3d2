"""Answers to the commands of a case, its deadlines, and what people decide when something failed."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from services.offboarding.assignees.store import list_heads_of_sales
from services.offboarding.cases import journal, runner, store
from services.offboarding.introductions.lifecycle import make_introduction_changed, propose_introductions
from services.offboarding.introductions.store import update_pass_status
from services.offboarding.moves.rules import get_chunk_of_item
from services.offboarding.moves.store import list_stayed_clients, update_results
from services.offboarding.permissions.handlers import lock_participants, require_head_of_case
from services.offboarding.permissions.rules import Viewer
from services.offboarding.permissions.store import get_leaver_id, get_visible_case
from services.offboarding.saga import LAST_DAY, STEP_NAMES, UNDO, Case, Item, Outcome, Reply
from services.offboarding.tasks.lifecycle import make_task_event, remind_of_due_tasks
from services.offboarding.visits.lifecycle import make_visit_opened, open_visits_to_remainder
from shared.contracts.clients import CommandAnswered
from shared.contracts.offboarding import OffboardingStarted, TaskOpened
from shared.database import UnitOfWork
from shared.errors import Refused
from shared.messages import Envelope
from shared.paging import Paging, make_page
from shared.people.store import lock_people
from shared.service import Runtime


async def on_command_answered(work: UnitOfWork, envelope: Envelope[CommandAnswered]) -> None:
    """Notes the result of each move, opens the introductions of what has moved, and tells the case."""
    answer = envelope.data
    if "/pass-" in answer.command_id:
        await update_pass_status(work, answer)
        return
    await lock_people(work, changing=[answer.employee_id])
    found = await store.lock_case(work, answer.case_id)
    if found is None:
        return
    row, case = found
    item = next((item for item in case.items if case.id_of(item) == answer.command_id), None)
    if item is None or item.status != "asked":
        return
    failed = 0
    bulk = get_chunk_of_item(item)
    if bulk is not None:
        failed = await update_results(work, case.id, item, answer)
        part, version, chunk = bulk
        if part == "client" and not item.undoes and not case.undo:
            await propose_introductions(work, row, case, version, chunk)
        elif part == "left_client":
            await open_visits_to_remainder(work, row, case, version, chunk)
    if answer.outcome == "done" and (not failed or item.undoes):
        reply = Reply(answer.command_id)
    else:
        outcome: Outcome = "stale" if answer.outcome == "stale" else "failed"
        reply = Reply(answer.command_id, outcome, answer.reason or ("partly_refused" if failed else answer.outcome))
    await runner.answer_case(work, row, case, reply)


class NothingFailed(Refused, code="nothing_failed"):
    """Nothing in this case has failed. `retry` with `step` `plan` makes a plan that awaits approval anew."""


async def retry_failed_items(work: UnitOfWork, viewer: Viewer, case_id: str, step: str | None) -> None:
    """Tries again what has failed (of `step`, if given). Failed transfers are planned anew; a refused undo lifts the freeze."""
    await _reply_to_failed_items(work, viewer, case_id, step, "retry", None)


async def skip_failed_items(work: UnitOfWork, viewer: Viewer, case_id: str, step: str | None, reason: str) -> None:
    """Goes on without what has failed: it stays with the caretaker, and stands in the certificate with the reason."""
    await _reply_to_failed_items(work, viewer, case_id, step, "skipped", reason)


async def _reply_to_failed_items(
    work: UnitOfWork, viewer: Viewer, case_id: str, step: str | None, outcome: Outcome, reason: str | None
) -> None:
    await require_head_of_case(work, viewer, case_id)
    await lock_participants(work, await get_leaver_id(work, case_id))
    row, case = await runner.require_locked_case(work, case_id)
    replies = [Reply(case.id_of(item), outcome, reason) for item in _list_failed_items(case, step, outcome)]
    if case.undo == "refused" and step in (None, "freeze"):
        replies.append(Reply(f"{case.id}/{UNDO}", "forced" if outcome == "retry" else "skipped"))
    if not replies:
        raise NothingFailed
    word: Literal["retried", "skipped"] = "retried" if outcome == "retry" else "skipped"
    journal.journal_decision(work, row, f"case_{word}", step=step)
    await store.insert_timeline_entry(work, case_id, word, step)
    await runner.answer_case(work, row, case, *replies)


def _list_failed_items(case: Case, step: str | None, outcome: Outcome) -> Sequence[Item]:
    def meant(item: Item) -> bool:
        asked_anew = outcome == "retry" and step == "plan" and item.what == "approval" and item.status == "asked"
        return (item.status == "failed" and step in (None, item.step)) or asked_anew

    return [item for item in case.items if meant(item)]


async def watch_deadlines(runtime: Runtime) -> bool:
    """Hands on the deadlines that have passed; True where there were any."""
    if await runtime.transact(end_next_last_day):
        return True  # reminders wait: what was the leaver's is somebody else's now
    due = await runtime.transact(remind_of_due_tasks)
    stuck = await runtime.transact(store.count_cases_needing_person)
    runtime.metrics.alarm.labels(runtime.name, "case_needs_person").set(stuck)
    return due


async def end_next_last_day(work: UnitOfWork) -> bool:
    """One case whose last day is over. `employee.left` says the same; whichever comes first is heard."""
    found = await work.fetch_row(
        """
        SELECT id, employee_id FROM cases
        WHERE status IN ('open', 'needs_person') AND NOT last_day_over AND undo = '' AND last_day < :today
        ORDER BY last_day, id LIMIT 1
        """,
        today=work.today,
    )
    if found is None:
        return False
    await lock_people(work, changing=[found["employee_id"]])
    row, case = await runner.require_locked_case(work, found["id"])
    if row["last_day"] >= work.today:
        return True  # moved since we looked: look again
    after = await runner.answer_case(work, row, case, Reply(f"{case.id}/{LAST_DAY}"))
    return after is not case


REPUBLISH_BATCH = 500


async def republish_cases(runtime: Runtime) -> int:
    """Every case that is not cancelled, and what is open in it; returns how many events that is."""
    sent, after = 0, ""
    while True:
        events, last = await runtime.transact(_republish_batch, after)
        sent += events
        if last is None:
            return sent
        after = last


async def _republish_batch(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    rows = await work.fetch_rows(
        "SELECT * FROM cases WHERE id > :after AND status <> 'cancelled' ORDER BY id LIMIT :batch",
        after=after,
        batch=REPUBLISH_BATCH,
    )
    by_id = {row["id"]: row for row in rows}
    for row in rows:
        work.publish(
            OffboardingStarted(
                case_id=row["id"],
                employee_id=row["employee_id"],
                employment_id=row["employment_id"],
                last_day=row["last_day"],
            )
        )
    tasks = await work.fetch_rows("SELECT * FROM tasks WHERE case_id = ANY(:ids) AND status = 'open'", ids=list(by_id))
    visits = await work.fetch_rows(
        "SELECT * FROM visits WHERE case_id = ANY(:ids) AND status = 'open'", ids=list(by_id)
    )
    introductions = await work.fetch_rows(
        """
        SELECT * FROM introductions WHERE case_id = ANY(:ids)
        AND status IN ('proposed', 'accepted', 'briefed', 'introduced')
        """,
        ids=list(by_id),
    )
    work.publish(
        *(make_task_event(TaskOpened, by_id[one["case_id"]], one) for one in tasks),
        *(make_visit_opened(by_id[one["case_id"]], one) for one in visits),
        *(make_introduction_changed(by_id[one["case_id"]], one) for one in introductions),
    )
    return len(work.outgoing), rows[-1]["id"] if len(rows) == REPUBLISH_BATCH else None


async def list_cases(work: UnitOfWork, who: Viewer, paging: Paging, employee_id: str | None, status: str | None) -> Any:
    rows = await store.list_cases(work, who, paging, employee_id, status)
    heads = await list_heads_of_sales(work, [row["employee_id"] for row in rows])
    steps = await store.list_steps(work, [row["id"] for row in rows])
    waiting = await store.list_waiting(work, rows, heads)
    shown = [
        {
            **row,
            "steps": _add_pending_steps(steps[row["id"]]),
            "head_of_sales_id": heads[row["employee_id"]],
            "waiting_for": waiting[row["id"]],
        }
        for row in rows
    ]
    return make_page(shown, paging)


async def get_case(work: UnitOfWork, who: Viewer, case_id: str) -> Any:
    row = await get_visible_case(work, who, case_id)
    heads = await list_heads_of_sales(work, [row["employee_id"]])
    return {
        **row,
        "steps": _add_pending_steps((await store.list_steps(work, [case_id]))[case_id]),
        "head_of_sales_id": heads[row["employee_id"]],
        "stayed": await list_stayed_clients(work, row),
        "waiting_for": (await store.list_waiting(work, [row], heads))[case_id],
    }


def _add_pending_steps(known: Any) -> list[Mapping[str, Any]]:
    by_name = {step["name"]: step for step in known}
    return [by_name.get(name, {"name": name, "status": "pending"}) for name in STEP_NAMES]
