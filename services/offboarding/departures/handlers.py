"""What `staff` announces: people and departments, and the departures that begin, change, end or undo a case."""

import json
from dataclasses import replace
from typing import Any

from services.offboarding.cases.rules import Departure, make_case_id
from services.offboarding.cases.runner import answer_case, begin_case, require_locked_case, start_case
from services.offboarding.cases.store import exists_case, get_newest_case_id, insert_timeline_entry
from services.offboarding.checklist.rules import checklist_from_json, compute_due_day
from services.offboarding.introductions.lifecycle import make_introduction_changed
from services.offboarding.introductions.rules import OPEN_STATUSES
from services.offboarding.permissions.rules import Row
from services.offboarding.saga import LAST_DAY, UNDO, Case, Reply
from services.offboarding.tasks.lifecycle import make_task_event
from services.offboarding.visits.lifecycle import make_visit_opened
from services.offboarding.visits.rules import working_day_calendar
from shared.contracts.clients import FreezeAccess, UnfreezeAccess
from shared.contracts.offboarding import TaskOpened
from shared.contracts.orders import FreezeStages, UnfreezeStages
from shared.contracts.staff import (
    DepartureReversed,
    EmployeeLeft,
    EmployeeRehired,
    EmployeeResigned,
    ResignationChanged,
    ResignationWithdrawn,
)
from shared.database import UnitOfWork
from shared.messages import Envelope
from shared.people.freezes import unfreeze_employee
from shared.people.handlers import follow_access_freeze, freeze_on_departure
from shared.people.store import lock_people, save_employee


async def on_employee_event(work: UnitOfWork, envelope: Envelope[Any]) -> None:
    event = envelope.data
    caretakers = getattr(event, "caretakers", None)
    if caretakers is not None:
        await lock_people(work, changing=[event.employee_id, *caretakers])
    await save_employee(work, envelope)
    state = await freeze_on_departure(work, envelope)
    if state is not None and state.changed and state.frozen:
        await hand_on_open_work(work, event.employee_id, state.stand_in_id)
    about = {"employee_id": event.employee_id, "employment_id": event.employment_id, "ref": str(envelope.sequence)}
    match event:
        case EmployeeResigned():
            leaving = Departure(
                **about, caretakers=tuple(event.caretakers), notice_on=event.notice_on, last_day=event.last_day
            )
            await _begin_or_change_case(work, leaving)
        case EmployeeLeft():
            left = Departure(
                **about, caretakers=tuple(event.caretakers), notice_on=event.left_on, last_day=event.left_on, over=True
            )
            await _begin_or_change_case(work, left)
        case ResignationChanged():
            await _change_resignation(work, event)
        case ResignationWithdrawn() | DepartureReversed():
            await _withdraw_resignation(work, event.employee_id, event.employment_id)
        case EmployeeRehired():
            await _settle_rehire(work, event.employee_id)


async def on_access_changed(work: UnitOfWork, envelope: Envelope[Any]) -> None:
    """Freezes that are not departures: whoever is frozen has no role at our doors but `employee`."""
    await follow_access_freeze(work, envelope)


async def _begin_or_change_case(work: UnitOfWork, departure: Departure) -> None:
    """One open case per employment: a departure begins one, changes its dates, or waits until the undo of it is over."""
    if await exists_case(work, make_case_id(departure)):
        return  # announced again
    known = await get_newest_case_id(work, departure.employee_id, departure.employment_id)
    row, case = await require_locked_case(work, known) if known else (None, None)
    # Who resigns anew in an employment whose case is cleared had come back, by a reversal that a person left as it was.
    anew = case is not None and case.status == "cleared" and not case.undo and not departure.over
    if row is None or case is None or case.status == "cancelled" or case.undo == "over" or anew:
        row, case = await start_case(work, departure)
        await begin_case(work, row, replace(case, last_day_over=departure.over))
    elif case.undo:
        if departure.ref != row["ref"]:
            await _save_waiting_departure(work, case, departure)
    elif "clear" not in case.begun:
        row = await _change_dates(work, row, case, departure)
        if departure.over:
            await answer_case(work, row, case, Reply(f"{case.id}/{LAST_DAY}"))


async def _save_waiting_departure(work: UnitOfWork, case: Case, departure: Departure) -> None:
    """Kept until the undo is over. Who left meanwhile keeps the notice that came first."""
    await work.execute(
        """
        UPDATE cases SET next_departure = CASE WHEN :over AND next_departure IS NOT NULL
            THEN next_departure || jsonb_build_object('last_day', CAST(:last_day AS text), 'over', true)
            ELSE CAST(:departure AS jsonb) END
        WHERE id = :id
        """,
        id=case.id,
        over=departure.over,
        last_day=departure.last_day.isoformat(),
        departure=departure.to_json(),
    )


async def _change_resignation(work: UnitOfWork, event: ResignationChanged) -> None:
    known = await get_newest_case_id(work, event.employee_id, event.employment_id)
    if known is None:
        return
    row, case = await require_locked_case(work, known)
    if case.undo:
        await work.execute(
            """
            UPDATE cases SET next_departure = next_departure
                || jsonb_build_object('last_day', CAST(:last_day AS text), 'notice_on', CAST(:notice_on AS text))
            WHERE id = :id AND next_departure IS NOT NULL
            """,
            id=case.id,
            last_day=event.last_day.isoformat(),
            notice_on=event.notice_on.isoformat(),
        )
    elif "clear" not in case.begun:
        row = await _change_dates(work, row, case, event)
        if event.last_day >= work.today:
            await answer_case(work, row, case, Reply(f"{case.id}/{LAST_DAY}", "moved"))


async def _change_dates(work: UnitOfWork, row: Row, case: Case, change: Any) -> Row:
    """New dates, and with them the due days of open tasks and introductions."""
    # Who leaves before the last day that was announced keeps the day of notice.
    notice_on = row["notice_on"] if getattr(change, "over", False) else change.notice_on
    if (row["notice_on"], row["last_day"]) == (notice_on, change.last_day):
        return row
    changed = await work.fetch_row(
        "UPDATE cases SET notice_on = :notice_on, last_day = :last_day WHERE id = :id RETURNING *",
        id=case.id,
        notice_on=notice_on,
        last_day=change.last_day,
    )
    await insert_timeline_entry(work, case.id, "last_day_changed", last_day=change.last_day.isoformat())
    works, today = working_day_calendar(work.settings.holidays), work.today
    tasks = await work.fetch_rows(
        """
        UPDATE tasks t SET due_on = n.due_on, reminded = ''
        FROM jsonb_to_recordset(CAST(:due AS jsonb)) AS n (kind text, due_on date)
        WHERE t.case_id = :id AND t.kind = n.kind AND t.status = 'open' AND t.due_on <> n.due_on RETURNING t.*
        """,
        id=case.id,
        due=json.dumps(
            [
                {
                    "kind": entry.kind,
                    "due_on": compute_due_day(entry, notice_on, change.last_day, today, works).isoformat(),
                }
                for entry in checklist_from_json(row["checklist"])
            ]
        ),
    )
    introductions = await work.fetch_rows(
        """
        UPDATE introductions SET due_on = greatest(:last_day, CAST(:today AS date))
        WHERE case_id = :id AND status = ANY(:open) AND due_on > greatest(:last_day, CAST(:today AS date)) RETURNING *
        """,
        id=case.id,
        open=list(OPEN_STATUSES),
        last_day=change.last_day,
        today=today,
    )
    work.publish(*(make_task_event(TaskOpened, row, task) for task in tasks))
    work.publish(*(make_introduction_changed(row, introduction) for introduction in introductions))
    return changed or row


async def _withdraw_resignation(work: UnitOfWork, employee_id: str, employment_id: str) -> None:
    known = await get_newest_case_id(work, employee_id, employment_id)
    if known is None:
        return
    row, case = await require_locked_case(work, known)
    if row["next_departure"] is None:
        await answer_case(work, row, case, Reply(f"{case.id}/{UNDO}"))
        return
    # No case will lift what the waiting departure has frozen, or will freeze where it is heard late: a ground that has
    # ended stays ended, so each service adds it and ends it, in this order.
    await work.execute("UPDATE cases SET next_departure = NULL WHERE id = :id", id=case.id)
    ref, caretakers = row["next_departure"]["ref"], row["next_departure"]["caretakers"]
    await unfreeze_employee(work, employee_id, employment_id, "departure", ref)
    about: dict[str, Any] = {"case_id": case.id, "epoch": case.epoch, "employee_id": employee_id}
    about |= {"employment_id": employment_id, "ref": ref}
    work.send(
        FreezeAccess(**about, command_id=f"{case.id}/freeze/access-{ref}", caretakers=caretakers),
        FreezeStages(**about, command_id=f"{case.id}/freeze/stages-{ref}", caretakers=caretakers),
        UnfreezeAccess(**about, command_id=f"{case.id}/freeze/undo-access-{ref}"),
        UnfreezeStages(**about, command_id=f"{case.id}/freeze/undo-stages-{ref}"),
    )


async def _settle_rehire(work: UnitOfWork, employee_id: str) -> None:
    """A rehire restores nothing: what the stand-in took over here (tasks, visits) stays there, and nothing is left to do."""
    await work.execute(
        """
        UPDATE people SET settling = false, stand_in_id = CASE WHEN frozen THEN stand_in_id END,
                          frozen_at = CASE WHEN frozen THEN frozen_at END, unowned = unowned AND frozen
        WHERE employee_id = :id AND settling
        """,
        id=employee_id,
    )


async def hand_on_open_work(work: UnitOfWork, employee_id: str, stand_in: str | None) -> None:
    """What somebody who leaves had to do in the cases of others goes to their stand-in."""
    to_id = stand_in or work.settings.last_resort
    if to_id is None or to_id == employee_id:
        return
    events: list[Any] = []
    for table, column, open_, anew, event in (
        ("tasks", "assignee_id", ["open"], "", lambda row, task: make_task_event(TaskOpened, row, task)),
        ("visits", "assignee_id", ["open"], "", make_visit_opened),
        (
            "introductions",
            "to_id",
            list(OPEN_STATUSES),
            ", status = 'proposed', brief = NULL",
            make_introduction_changed,
        ),
    ):
        moved = await work.fetch_rows(
            f"""
            UPDATE {table} t SET {column} = :to_id{anew} FROM cases c
            WHERE t.{column} = :employee_id AND t.status = ANY(:open) AND c.id = t.case_id AND c.employee_id <> :employee_id
            RETURNING t.*, c.employee_id AS leaver_id
            """,
            to_id=to_id,
            employee_id=employee_id,
            open=open_,
        )
        events += [event({"id": row["case_id"], "employee_id": row["leaver_id"]}, row) for row in moved]
    await work.execute(
        "UPDATE documents SET receiver_id = :to_id WHERE receiver_id = :employee_id AND status = 'handed_over'",
        to_id=to_id,
        employee_id=employee_id,
    )
    work.publish(*events)
