"""What people decide of an employment's life, what the brake holds, and the day after the last day."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.staff.departures import fields, rules, store
from services.staff.employees.handlers import lock_employee, publish_journal_entry, save_employee, today
from services.staff.employees.rules import (
    BeforeHired,
    Employee,
    HiredBeforeLeft,
    build_public_state,
    determine_decision_time,
    list_caretaker_candidates,
)
from services.staff.employees.store import LifeChange, LockedEmployee, lock_employees
from shared.contracts.offboarding import OffboardingCancelled, OffboardingCleared, OffboardingStarted
from shared.contracts.staff import DepartureHeld, DepartureRejected
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.ids import uuid7
from shared.messages import Envelope
from shared.service import Runtime

DUE_BATCH = 200


def _refuse_own_case(work: UnitOfWork, employee_id: str) -> None:
    if work.actor == employee_id:
        raise rules.OwnCase


async def _apply_decision(
    work: UnitOfWork, before: LockedEmployee, kind: rules.LifeChangeKind, reason: str | None = None, **days: date | None
) -> Employee:
    news = rules.EmploymentUpdate(kind, determine_decision_time(before.person, work.now), **days)
    heard = rules.apply_employment_update(before.person, news, uuid7())
    return await save_employee(work, before, heard.person, LifeChange(kind, work.now, reason), heard.former)


async def announce_resignation(work: UnitOfWork, employee_id: str, body: fields.Resignation) -> Employee:
    """Notice, or other dates of one given before. Raises `AlreadyLeft`, `BeforeHired`."""
    before = await lock_employee(work, employee_id)
    person = before.person
    if person.status == "left":
        raise rules.AlreadyLeft
    if body.last_day < person.hired_on:
        raise BeforeHired
    again = person.status == "resigned"
    if again and (body.last_day, body.notice_on or person.notice_on, body.ends_on or person.ends_on) == (
        person.last_day,
        person.notice_on,
        person.ends_on,
    ):
        return person
    notice_on = body.notice_on or (None if again else min(today(work), body.last_day))
    days = {"notice_on": notice_on, "last_day": body.last_day, "ends_on": body.ends_on}
    return await _apply_decision(work, before, "changed" if again else "resigned", body.reason, **days)


async def withdraw_resignation(work: UnitOfWork, employee_id: str) -> Employee:
    """Raises `NotResigned`, `AlreadyLeft`, `OwnCase`."""
    _refuse_own_case(work, employee_id)
    before = await lock_employee(work, employee_id)
    if before.person.status == "left":
        raise rules.AlreadyLeft
    if before.person.status != "resigned":
        raise rules.NotResigned
    return await _apply_decision(work, before, "withdrawn")


async def record_departure(work: UnitOfWork, employee_id: str, on: date, reason: str | None) -> Employee:
    """The last day is over; one that lies ahead is a resignation until then. Raises `BeforeHired`, `LeftWithOtherDate`."""
    if on > today(work):
        return await announce_resignation(work, employee_id, fields.Resignation(last_day=on, reason=reason))
    before = await lock_employee(work, employee_id)
    if on < before.person.hired_on:
        raise BeforeHired
    if before.person.status == "left":
        if before.person.left_on != on:
            raise rules.LeftWithOtherDate
        return before.person
    return await _apply_decision(work, before, "left", reason, day=on)


async def reverse_departure(work: UnitOfWork, employee_id: str, reason: str) -> Employee:
    """The departure was a mistake: the same employment goes on. Raises `NotLeft`, `OwnCase`."""
    _refuse_own_case(work, employee_id)
    before = await lock_employee(work, employee_id)
    if before.person.status != "left":
        raise rules.NotLeft
    return await _apply_decision(work, before, "reversed", reason)


async def rehire_employee(work: UnitOfWork, employee_id: str, hired_on: date) -> Employee:
    """A new employment; nothing of the old one is restored. Raises `NotLeft`, `HiredBeforeLeft`, `OwnCase`."""
    _refuse_own_case(work, employee_id)
    before = await lock_employee(work, employee_id)
    if before.person.status != "left":
        raise rules.NotLeft
    if before.person.left_on is not None and hired_on <= before.person.left_on:
        raise HiredBeforeLeft
    return await _apply_decision(work, before, "rehired", day=hired_on)


async def record_due_departures(runtime: Runtime) -> bool:
    """The day after the last day: says of everybody whose last day is over that they have left. Many HRIS stay silent."""
    return await runtime.transact(_record_due_departures)


async def _record_due_departures(work: UnitOfWork) -> bool:
    due = await work.fetch_rows(
        """
        SELECT id FROM employees WHERE status = 'resigned' AND last_day < :today ORDER BY id LIMIT :batch
        FOR UPDATE SKIP LOCKED
        """,
        today=today(work),
        batch=DUE_BATCH,
    )
    for before in (await lock_employees(work, [row["id"] for row in due])).values():
        last_day = before.person.last_day
        if last_day is None:
            continue
        # Said when the last day was said: that nobody objected is no news, and news still on its way counts.
        said_at = max(before.person.said.get("status", work.now), before.person.said.get("last_day", work.now))
        heard = rules.apply_employment_update(
            before.person, rules.EmploymentUpdate("left", said_at, day=last_day), uuid7()
        )
        await save_employee(work, before, heard.person, LifeChange("left", said_at))
    return bool(due)


async def confirm_held_departure(work: UnitOfWork, hold_id: str) -> Mapping[str, Any]:
    """Turns the hold into the departure that was announced. Raises `HoldDecided`, `OwnCase`."""
    hold, before = await _lock_held_departure(work, hold_id, "confirmed")
    if before is None:
        return hold
    person = before.person
    if person.status == "active" and person.employment_id == hold["employment_id"]:
        news = rules.EmploymentUpdate(
            hold["kind"],
            determine_decision_time(person, work.now),
            hold["notice_on"],
            hold["last_day"],
            hold["ends_on"],
            hold["left_on"],
        )
        heard = rules.apply_employment_update(person, news, uuid7())
        await save_employee(work, before, heard.person, LifeChange(news.kind, hold["said_at"], hold["reason"]))
        return await _get_held_departure(work, hold_id)
    return await _close_held_departure(work, before, hold_id, "confirmed")


async def reject_held_departure(work: UnitOfWork, hold_id: str) -> Mapping[str, Any]:
    """Says that it was a mistake. Raises `HoldDecided`, `OwnCase`."""
    hold, before = await _lock_held_departure(work, hold_id, "rejected")
    return hold if before is None else await _close_held_departure(work, before, hold_id, "rejected")


async def _lock_held_departure(
    work: UnitOfWork, hold_id: str, wanted: str
) -> tuple[Mapping[str, Any], LockedEmployee | None]:
    """The hold and its employee under lock; no employee where it has been decided the same way before."""
    hold = await _get_held_departure(work, hold_id)
    if hold["employee_id"] == work.actor:
        raise rules.OwnCase
    before = await lock_employee(work, hold["employee_id"])
    hold = await _get_held_departure(work, hold_id)
    if hold["state"] == wanted:
        return hold, None
    if hold["state"] != "held":
        raise rules.HoldDecided
    publish_journal_entry(work, f"hold.{wanted}", before.person.id, hold_id=hold_id)
    return hold, before


async def _close_held_departure(
    work: UnitOfWork, before: LockedEmployee, hold_id: str, state: str
) -> Mapping[str, Any]:
    await store.update_hold_state(work, hold_id, state)
    work.publish(DepartureRejected(**build_public_state(before.person, today(work)), hold_id=hold_id))
    return await _get_held_departure(work, hold_id)


async def _get_held_departure(work: UnitOfWork, hold_id: str) -> Mapping[str, Any]:
    hold = await store.get_held_departure(work, hold_id)
    if hold is None:
        raise NotFound
    return hold


async def hold_if_suspicious(
    work: UnitOfWork, source_id: str, before: LockedEmployee, life: rules.EmploymentUpdate, reason: str | None
) -> bool:
    """The brake: whether this departure waits for a person to confirm it. Counts it."""
    row = {
        "source_id": source_id,
        "employee_id": before.person.id,
        "employment_id": before.person.employment_id,
        "kind": life.kind,
        "notice_on": life.notice_on,
        "last_day": life.last_day,
        "ends_on": life.ends_on,
        "left_on": life.day,
        "said_at": life.at,
        "reason": reason,
    }
    if before.hold_id is not None:
        await store.update_held_departure(work, {**row, "id": before.hold_id})
        return True
    counted = await store.count_departure(work, source_id, today(work))
    if counted["departures"] <= rules.count_departures_allowed(work.settings.hold_departures_above, counted["staff"]):
        return False
    frozen = rules.may_freeze_held_departure(work.settings.freeze_held, counted["frozen"], counted["staff"])
    hold_id = uuid7()
    await store.insert_held_departure(work, {**row, "id": hold_id, "held_at": work.now, "frozen": frozen})
    work.publish(
        DepartureHeld(
            **build_public_state(before.person, today(work)),
            hold_id=hold_id,
            **{name: row[name] for name in ("notice_on", "last_day", "ends_on", "left_on")},
            freeze=frozen,
            caretakers=list_caretaker_candidates(before.person, before.heads, work.settings.last_resort),
        )
    )
    return True


async def on_offboarding_started(work: UnitOfWork, envelope: Envelope[OffboardingStarted]) -> None:
    event = envelope.data
    await store.insert_case(work, event.case_id, event.employee_id, event.employment_id)


async def on_offboarding_closed(
    work: UnitOfWork, envelope: Envelope[OffboardingCleared | OffboardingCancelled]
) -> None:
    """A cleared case is closed although its follow-up runs on: that counts orders by id."""
    cleared = isinstance(envelope.data, OffboardingCleared)
    await store.update_case_state(work, envelope.data.case_id, "cleared" if cleared else "cancelled")
