"""What people decide of an employment's life, what the brake holds, and the day after the last day."""

from dataclasses import replace
from datetime import date, datetime
from typing import Literal

from services.staff.departures import fields, rules, store
from services.staff.employees.handlers import lock_employee
from services.staff.employees.rules import (
    BeforeHired,
    Employee,
    EmployeeIsErased,
    HiredBeforeLeft,
    build_event,
    determine_decision_time,
)
from services.staff.employees.store import (
    EmployeeVisibility,
    LockedEmployee,
    insert_former_employment,
    insert_life_change,
    list_visible_employees,
    lock_employees,
    update_employees,
)
from shared.contracts.offboarding import OffboardingCancelled, OffboardingCleared, OffboardingStarted
from shared.contracts.staff import DepartureHeld, DepartureRejected
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.ids import uuid7
from shared.journal import publish_journal_entry
from shared.messages import Envelope
from shared.outbox.republication import republish_kept_events
from shared.paging import Paging
from shared.people.rules import list_caretaker_candidates
from shared.service import Runtime

DUE_BATCH = 200


async def save_life_change(
    work: UnitOfWork,
    locked: LockedEmployee,
    updated: rules.UpdatedEmployment,
    kind: rules.LifeChangeKind,
    said_at: datetime,
    reason: str | None = None,
) -> Employee:
    """Saves what has become of an employment and announces it; a departure that was held is decided by it.

    Raises `EmployeeIsErased`.
    """
    before, after = locked.employee, updated.employee
    if locked.is_erased:
        raise EmployeeIsErased
    await update_employees(work, [after])
    await insert_life_change(work, after.id, kind, said_at, reason)
    if updated.former is not None:
        await insert_former_employment(work, updated.former)
    if before.status == "active" and after.status != "active":
        await store.delete_uncleared_cases(work, after.id)
    caretakers = _list_caretakers(work, locked, after)
    work.publish(
        *rules.build_announcements(before, after, caretakers, work.today, work.settings.timezone, updated.former)
    )
    publish_journal_entry(work, f"employment.{kind}", after.id, employment_id=before.employment_id)
    if locked.hold_id is not None:
        await _decide_hold(work, locked.hold_id, after, "rejected" if after.status == "active" else "confirmed")
    return replace(after, version=after.version + 1)


def _list_caretakers(work: UnitOfWork, locked: LockedEmployee, leaver: Employee) -> list[str]:
    return list_caretaker_candidates(
        leaver.id, leaver.deputy_id, leaver.manager_id, locked.head_ids, work.settings.last_resort
    )


async def _decide_hold(
    work: UnitOfWork, hold_id: str, employee: Employee, state: Literal["confirmed", "rejected"]
) -> None:
    """In both cases the hold is no ground of a freeze any more: a departure that was confirmed is one by itself."""
    await store.update_hold_state(work, hold_id, state)
    work.publish(build_event(DepartureRejected, employee, work.today, hold_id=hold_id))


# -- what people decide ------------------------------------------------------------------------------------------------


def _refuse_own_case(work: UnitOfWork, employee_id: str) -> None:
    if work.actor == employee_id:
        raise rules.OwnCase


async def _apply_decision(
    work: UnitOfWork, locked: LockedEmployee, kind: rules.LifeChangeKind, reason: str | None = None, **days: date | None
) -> Employee:
    update = rules.EmploymentUpdate(kind, determine_decision_time(locked.employee, work.now), **days)
    updated = rules.apply_employment_update(locked.employee, update, uuid7())
    return await save_life_change(work, locked, updated, kind, work.now, reason)


async def announce_resignation(work: UnitOfWork, employee_id: str, body: fields.ResignationBody) -> Employee:
    """Notice, or other dates of one given before. Raises `AlreadyLeft`, `BeforeHired`."""
    locked = await lock_employee(work, employee_id)
    employee = locked.employee
    if employee.status == "left":
        raise rules.AlreadyLeft
    if body.last_day < employee.hired_on:
        raise BeforeHired
    known = (employee.status, employee.last_day, employee.notice_on, employee.ends_on)
    if known == ("resigned", body.last_day, body.notice_on or employee.notice_on, body.ends_on or employee.ends_on):
        return employee
    days = {"notice_on": body.notice_on, "last_day": body.last_day, "ends_on": body.ends_on}
    if employee.status == "resigned":
        return await _apply_decision(work, locked, "changed", body.reason, **days)
    days["notice_on"] = body.notice_on or min(work.today, body.last_day)
    return await _apply_decision(work, locked, "resigned", body.reason, **days)


async def withdraw_resignation(work: UnitOfWork, employee_id: str) -> Employee:
    """Raises `NotResigned`, `AlreadyLeft`, `OwnCase`."""
    _refuse_own_case(work, employee_id)
    locked = await lock_employee(work, employee_id)
    if locked.employee.status == "left":
        raise rules.AlreadyLeft
    if locked.employee.status != "resigned":
        raise rules.NotResigned
    return await _apply_decision(work, locked, "withdrawn")


async def record_departure(work: UnitOfWork, employee_id: str, on: date, reason: str | None) -> Employee:
    """The last day is over; one that lies ahead is a resignation until then. Raises `BeforeHired`, `LeftWithOtherDate`."""
    if on > work.today:
        return await announce_resignation(work, employee_id, fields.ResignationBody(last_day=on, reason=reason))
    locked = await lock_employee(work, employee_id)
    if on < locked.employee.hired_on:
        raise BeforeHired
    if locked.employee.status == "left":
        if locked.employee.left_on != on:
            raise rules.LeftWithOtherDate
        return locked.employee
    return await _apply_decision(work, locked, "left", reason, left_or_hired_on=on)


async def reverse_departure(work: UnitOfWork, employee_id: str, reason: str) -> Employee:
    """The departure was a mistake: the same employment goes on. Raises `NotLeft`, `OwnCase`."""
    _refuse_own_case(work, employee_id)
    locked = await lock_employee(work, employee_id)
    if locked.employee.status != "left":
        raise rules.NotLeft
    return await _apply_decision(work, locked, "reversed", reason)


async def rehire_employee(work: UnitOfWork, employee_id: str, hired_on: date) -> Employee:
    """A new employment; nothing of the old one is restored. Raises `NotLeft`, `HiredBeforeLeft`, `OwnCase`."""
    _refuse_own_case(work, employee_id)
    locked = await lock_employee(work, employee_id)
    if locked.employee.status != "left":
        raise rules.NotLeft
    if locked.employee.left_on is not None and hired_on <= locked.employee.left_on:
        raise HiredBeforeLeft
    return await _apply_decision(work, locked, "rehired", left_or_hired_on=hired_on)


async def read_employments(
    work: UnitOfWork, employee_id: str, visibility: EmployeeVisibility, shows_reasons: bool, paging: Paging
) -> list[rules.Employment]:
    """Raises `NotFound` also where the caller may not know about this employee."""
    if not await list_visible_employees(work, visibility, id=employee_id):
        raise NotFound
    return await store.list_employments(work, employee_id, shows_reasons, paging)


# -- the day after the last day ----------------------------------------------------------------------------------------


async def record_due_departures(runtime: Runtime) -> bool:
    """Records of everybody whose last day is over that they have left, since many HRIS say nothing on that day."""
    return await runtime.transact(_record_due_departures)


async def _record_due_departures(work: UnitOfWork) -> bool:
    due = await store.lock_employees_past_last_day(work, DUE_BATCH)
    for locked in (await lock_employees(work, due)).values():
        employee = locked.employee
        # Said when the last day was said: that nobody objected is no news, and news still on its way counts.
        said_at = max(employee.said.get("status", work.now), employee.said.get("last_day", work.now))
        update = rules.EmploymentUpdate("left", said_at, left_or_hired_on=employee.last_day)
        updated = rules.apply_employment_update(employee, update, uuid7())
        await save_life_change(work, locked, updated, "left", said_at)
    return bool(due)


# -- the brake ---------------------------------------------------------------------------------------------------------


async def count_departure_and_hold_if_too_many(
    work: UnitOfWork, source_id: str, locked: LockedEmployee, update: rules.EmploymentUpdate, reason: str | None
) -> bool:
    """Counts this departure, and holds it for a person to confirm if the source announces too many. Whether it is held."""
    if locked.hold_id is not None:
        await store.update_held_departure(work, locked.hold_id, update, reason)
        return True
    count = await store.increment_departures_of_day(work, source_id, work.today)
    if count.departure_count <= rules.compute_departure_limit(work.settings.hold_departures_above, count.staff_count):
        return False
    employee = locked.employee
    held = rules.HeldDeparture(
        id=uuid7(),
        source_id=source_id,
        employee_id=employee.id,
        employment_id=employee.employment_id,
        kind=update.kind,
        notice_on=update.notice_on,
        last_day=update.last_day,
        ends_on=update.ends_on,
        left_on=update.left_or_hired_on,
        said_at=update.at,
        held_at=work.now,
        frozen=rules.may_freeze_held_departure(work.settings.freeze_held, count.frozen_hold_count, count.staff_count),
        state="held",
        decided_by=None,
        decided_at=None,
    )
    await store.insert_held_departure(work, held, reason)
    work.publish(
        build_event(
            DepartureHeld,
            employee,
            work.today,
            **vars(held),
            hold_id=held.id,
            freeze=held.frozen,
            caretakers=_list_caretakers(work, locked, employee),
        )
    )
    return True


async def confirm_held_departure(work: UnitOfWork, hold_id: str) -> rules.HeldDeparture:
    """Turns the hold into the departure that was announced. Raises `HoldDecidedOtherwise`, `OwnCase`."""
    hold, locked = await _lock_hold(work, hold_id, "confirmed")
    if hold.state == "held":
        employee = locked.employee
        if employee.status == "active" and employee.employment_id == hold.employment_id:
            decided_at = determine_decision_time(employee, work.now)
            update = rules.EmploymentUpdate(
                hold.kind, decided_at, hold.notice_on, hold.last_day, hold.ends_on, hold.left_on
            )
            updated = rules.apply_employment_update(employee, update, uuid7())
            reason = await store.get_hold_reason(work, hold_id)
            await save_life_change(work, locked, updated, hold.kind, hold.said_at, reason)
        else:
            await _decide_hold(work, hold_id, employee, "confirmed")
    return await store.get_held_departure(work, hold_id)


async def reject_held_departure(work: UnitOfWork, hold_id: str) -> rules.HeldDeparture:
    """Says that it was a mistake. Raises `HoldDecidedOtherwise`, `OwnCase`."""
    hold, locked = await _lock_hold(work, hold_id, "rejected")
    if hold.state == "held":
        await _decide_hold(work, hold_id, locked.employee, "rejected")
    return await store.get_held_departure(work, hold_id)


async def _lock_hold(
    work: UnitOfWork, hold_id: str, decision: Literal["confirmed", "rejected"]
) -> tuple[rules.HeldDeparture, LockedEmployee]:
    """The hold with its employee under lock; it is open, or was decided in the same way before.

    A decision about an open one is journaled.
    """
    hold = await store.get_held_departure(work, hold_id)
    _refuse_own_case(work, hold.employee_id)
    locked = await lock_employee(work, hold.employee_id)
    hold = await store.get_held_departure(work, hold_id)
    if hold.state == "held":
        publish_journal_entry(work, f"hold.{decision}", hold.employee_id, hold_id=hold_id)
    elif hold.state != decision:
        raise rules.HoldDecidedOtherwise
    return hold, locked


# -- the cases that follow ---------------------------------------------------------------------------------------------


async def on_offboarding_started(work: UnitOfWork, envelope: Envelope[OffboardingStarted]) -> None:
    event = envelope.data
    await store.insert_case(work, event.case_id, event.employee_id, event.employment_id)


async def on_offboarding_closed(
    work: UnitOfWork, envelope: Envelope[OffboardingCleared | OffboardingCancelled]
) -> None:
    """A cleared case is closed although its follow-up runs on: that counts orders by id."""
    cleared = isinstance(envelope.data, OffboardingCleared)
    await store.update_case_state(work, envelope.data.case_id, "cleared" if cleared else "cancelled")


async def republish_standing_departures(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    """The departures that stand, as they were announced: under their id and sequence, by which all know the ground of
    a freeze. Who has heard them does nothing; who comes late freezes."""
    return await republish_kept_events(work, await store.list_outbox_ids_of_standing_departures(work)), None
