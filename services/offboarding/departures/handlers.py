"""What `staff` announces: people, and the departures that begin, change, end or undo a case."""

from dataclasses import replace

from services.offboarding.cases.rules import CaseRecord, Departure, make_case_id
from services.offboarding.cases.runner import apply_replies, open_case
from services.offboarding.cases.store import (
    exists_case,
    get_newest_case_id,
    insert_timeline_entry,
    lock_case,
    update_dates,
    update_next_departure,
)
from services.offboarding.documents.store import replace_receiver
from services.offboarding.introductions.lifecycle import hand_introductions_on, shorten_due_days
from services.offboarding.saga import Case, Reply
from services.offboarding.tasks.lifecycle import change_due_days, hand_tasks_on
from services.offboarding.visits.lifecycle import hand_visits_on
from shared.contracts.clients import AccessFrozen, AccessUnfrozen, FreezeAccess, UnfreezeAccess
from shared.contracts.orders import FreezeStages, UnfreezeStages
from shared.contracts.staff import (
    DepartureReversed,
    EmployeeEvent,
    EmployeeLeft,
    EmployeeRehired,
    EmployeeResigned,
    ResignationChanged,
    ResignationWithdrawn,
)
from shared.database import UnitOfWork
from shared.messages import Envelope
from shared.people.handlers import apply_departure_to_freeze, apply_emergency_and_incident_freezes, end_freeze_ground
from shared.people.store import apply_employee_event, end_settling, lock_people


async def on_employee_event(work: UnitOfWork, envelope: Envelope[EmployeeEvent]) -> None:
    """Whatever is announced of somebody: their newest state, and the freeze or its end that goes with it."""
    event = envelope.data
    caretakers = getattr(event, "caretakers", None)  # of those events alone that may freeze
    if caretakers is not None:
        await lock_people(work, for_update=[event.employee_id, *caretakers])
    await apply_employee_event(work, envelope)
    state = await apply_departure_to_freeze(work, envelope)
    if state is not None and state.changed and state.frozen:
        await _hand_open_work_on(work, event.employee_id, state.stand_in_id)


async def on_employee_departed(work: UnitOfWork, envelope: Envelope[EmployeeResigned] | Envelope[EmployeeLeft]) -> None:
    """Who resigned, or has left already."""
    await on_employee_event(work, envelope)
    event = envelope.data
    dates = (event.left_on, event.left_on) if isinstance(event, EmployeeLeft) else (event.notice_on, event.last_day)
    departure = Departure(
        employee_id=event.employee_id,
        employment_id=event.employment_id,
        ref=str(envelope.sequence),
        caretakers=tuple(event.caretakers),
        notice_on=dates[0],
        last_day=dates[1],
        over=isinstance(event, EmployeeLeft),
    )
    await _begin_or_change_case(work, departure)


async def on_resignation_changed(work: UnitOfWork, envelope: Envelope[ResignationChanged]) -> None:
    await on_employee_event(work, envelope)
    event = envelope.data
    case_id = await get_newest_case_id(work, event.employee_id, event.employment_id)
    if case_id is None:
        return
    record, case = await lock_case(work, case_id)
    if case.undo:
        if record.next_departure is not None:
            waiting = replace(record.next_departure, last_day=event.last_day, notice_on=event.notice_on)
            await update_next_departure(work, case_id, waiting)
    elif "clear" not in case.begun_steps:
        record = await _change_dates(work, replace(record, notice_on=event.notice_on, last_day=event.last_day), record)
        if event.last_day >= work.today:
            await apply_replies(work, record, case, Reply(case.last_day_id, "moved"))


async def on_resignation_withdrawn(
    work: UnitOfWork, envelope: Envelope[ResignationWithdrawn] | Envelope[DepartureReversed]
) -> None:
    """The case is undone; or the departure that waits for the end of an undo waits no more."""
    await on_employee_event(work, envelope)
    event = envelope.data
    case_id = await get_newest_case_id(work, event.employee_id, event.employment_id)
    if case_id is None:
        return
    record, case = await lock_case(work, case_id)
    if record.next_departure is None:
        await apply_replies(work, record, case, Reply(case.undo_id))
        return
    await update_next_departure(work, case_id, None)
    await end_freeze_ground(work, event.employee_id, event.employment_id, "departure", record.next_departure.ref)
    _lift_freeze_of(work, case, record.next_departure)


async def on_employee_rehired(work: UnitOfWork, envelope: Envelope[EmployeeRehired]) -> None:
    """A rehire restores nothing: what the stand-in took over here (tasks, visits) stays there, and nothing is left to do."""
    await on_employee_event(work, envelope)
    await end_settling(work, envelope.data.employee_id)


async def on_access_changed(work: UnitOfWork, envelope: Envelope[AccessFrozen] | Envelope[AccessUnfrozen]) -> None:
    """Freezes that are not departures: whoever is frozen has no role at our doors but `employee`."""
    await apply_emergency_and_incident_freezes(work, envelope)


async def _begin_or_change_case(work: UnitOfWork, departure: Departure) -> None:
    """One open case per employment: a departure begins one, changes its dates, or waits until the undo of it is over."""
    if await exists_case(work, make_case_id(departure)):
        return  # announced again
    case_id = await get_newest_case_id(work, departure.employee_id, departure.employment_id)
    if case_id is None:
        await open_case(work, departure)
        return
    record, case = await lock_case(work, case_id)
    # Who resigns anew in an employment whose case is cleared had come back, by a reversal that a person left as it was.
    came_back = case.status == "cleared" and not case.undo and not departure.over
    if case.status == "cancelled" or case.undo == "over" or came_back:
        await open_case(work, departure)
    elif case.undo:
        if departure.ref != record.ref:
            await _let_departure_wait(work, record, departure)
    elif "clear" not in case.begun_steps:
        # Who leaves before the last day that was announced keeps the day of notice.
        notice_on = record.notice_on if departure.over else departure.notice_on
        record = await _change_dates(work, replace(record, notice_on=notice_on, last_day=departure.last_day), record)
        if departure.over:
            await apply_replies(work, record, case, Reply(case.last_day_id))


async def _let_departure_wait(work: UnitOfWork, record: CaseRecord, departure: Departure) -> None:
    """Until the undo is over. Who left meanwhile keeps the notice that came first."""
    if departure.over and record.next_departure is not None:
        departure = replace(record.next_departure, last_day=departure.last_day, over=True)
    await update_next_departure(work, record.id, departure)


async def _change_dates(work: UnitOfWork, record: CaseRecord, before: CaseRecord) -> CaseRecord:
    """New dates, and with them the due days of open tasks and introductions."""
    if record != before:
        await update_dates(work, record.id, record.notice_on, record.last_day)
        await insert_timeline_entry(work, record.id, "last_day_changed", last_day=record.last_day.isoformat())
        await change_due_days(work, record)
        await shorten_due_days(work, record)
    return record


def _lift_freeze_of(work: UnitOfWork, case: Case, departure: Departure) -> None:
    """No case will lift what the waiting departure has frozen, or will freeze where it is heard late: a ground that has ended
    stays ended, so each service adds it and ends it, in this order."""
    ref, caretakers = departure.ref, list(departure.caretakers)
    about = {
        "case_id": case.id,
        "employee_id": departure.employee_id,
        "employment_id": departure.employment_id,
        "ref": ref,
    }
    work.send(
        FreezeAccess(**about, epoch=case.epoch, command_id=f"{case.id}/freeze/access-{ref}", caretakers=caretakers),
        FreezeStages(**about, epoch=case.epoch, command_id=f"{case.id}/freeze/stages-{ref}", caretakers=caretakers),
        UnfreezeAccess(**about, epoch=case.epoch, command_id=f"{case.id}/freeze/undo-access-{ref}"),
        UnfreezeStages(**about, epoch=case.epoch, command_id=f"{case.id}/freeze/undo-stages-{ref}"),
    )


async def _hand_open_work_on(work: UnitOfWork, employee_id: str, stand_in_id: str | None) -> None:
    """What somebody who leaves had to do in the cases of others goes to their stand-in."""
    to_id = stand_in_id or work.settings.last_resort
    if to_id is None or to_id == employee_id:
        return
    await hand_tasks_on(work, employee_id, to_id)
    await hand_visits_on(work, employee_id, to_id)
    await hand_introductions_on(work, employee_id, to_id)
    await replace_receiver(work, employee_id, to_id)
