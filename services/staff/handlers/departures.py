"""The life of an employment as people decide it: resign, withdraw, leave, reverse, rehire; and the day after the last day."""

from datetime import date

from services.staff.domain.life import LifeKind, LifeNews, decided_at, hear
from services.staff.domain.person import Person
from services.staff.handlers import refusals
from services.staff.handlers.bodies import Resignation
from services.staff.handlers.employees import keep, one, today
from services.staff.store import people
from services.staff.store.people import Change, Loaded
from shared.database import UnitOfWork
from shared.ids import uuid7
from shared.service import Runtime

BATCH = 200


def _not_own(work: UnitOfWork, employee_id: str) -> None:
    if work.actor == employee_id:
        raise refusals.OwnCase


async def _decide(
    work: UnitOfWork, before: Loaded, kind: LifeKind, reason: str | None = None, **days: date | None
) -> Person:
    news = LifeNews(kind, decided_at(before.person, work.now), **days)
    heard = hear(before.person, news, uuid7())
    return await keep(work, before, heard.person, Change(kind, work.now, reason), heard.former)


async def resign(work: UnitOfWork, employee_id: str, body: Resignation) -> Person:
    """Notice, or other dates of one given before. Raises `AlreadyLeft`, `BeforeHired`."""
    before = await one(work, employee_id)
    person = before.person
    if person.status == "left":
        raise refusals.AlreadyLeft
    if body.last_day < person.hired_on:
        raise refusals.BeforeHired
    again = person.status == "resigned"
    if again and (body.last_day, body.notice_on or person.notice_on, body.ends_on or person.ends_on) == (
        person.last_day,
        person.notice_on,
        person.ends_on,
    ):
        return person
    notice_on = body.notice_on or (None if again else min(today(work), body.last_day))
    days = {"notice_on": notice_on, "last_day": body.last_day, "ends_on": body.ends_on}
    return await _decide(work, before, "changed" if again else "resigned", body.reason, **days)


async def withdraw(work: UnitOfWork, employee_id: str) -> Person:
    """Raises `NotResigned`, `AlreadyLeft`, `OwnCase`."""
    _not_own(work, employee_id)
    before = await one(work, employee_id)
    if before.person.status == "left":
        raise refusals.AlreadyLeft
    if before.person.status != "resigned":
        raise refusals.NotResigned
    return await _decide(work, before, "withdrawn")


async def leave(work: UnitOfWork, employee_id: str, on: date, reason: str | None) -> Person:
    """The last day is over; one that lies ahead is a resignation until then. Raises `BeforeHired`, `LeftWithOtherDate`."""
    if on > today(work):
        return await resign(work, employee_id, Resignation(last_day=on, reason=reason))
    before = await one(work, employee_id)
    if on < before.person.hired_on:
        raise refusals.BeforeHired
    if before.person.status == "left":
        if before.person.left_on != on:
            raise refusals.LeftWithOtherDate
        return before.person
    return await _decide(work, before, "left", reason, day=on)


async def reverse(work: UnitOfWork, employee_id: str, reason: str) -> Person:
    """The departure was a mistake: the same employment goes on. Raises `NotLeft`, `OwnCase`."""
    _not_own(work, employee_id)
    before = await one(work, employee_id)
    if before.person.status != "left":
        raise refusals.NotLeft
    return await _decide(work, before, "reversed", reason)


async def rehire(work: UnitOfWork, employee_id: str, hired_on: date) -> Person:
    """A new employment; nothing of the old one is restored. Raises `NotLeft`, `HiredBeforeLeft`, `OwnCase`."""
    _not_own(work, employee_id)
    before = await one(work, employee_id)
    if before.person.status != "left":
        raise refusals.NotLeft
    if before.person.left_on is not None and hired_on <= before.person.left_on:
        raise refusals.HiredBeforeLeft
    return await _decide(work, before, "rehired", day=hired_on)


async def see_off(runtime: Runtime) -> bool:
    """The day after the last day: says of everybody whose last day is over that they have left. Many HRIS stay silent."""
    return await runtime.transact(_see_off)


async def _see_off(work: UnitOfWork) -> bool:
    due = await work.fetch_rows(
        """
        SELECT id FROM employees WHERE status = 'resigned' AND last_day < :today ORDER BY id LIMIT :batch
        FOR UPDATE SKIP LOCKED
        """,
        today=today(work),
        batch=BATCH,
    )
    for before in (await people.load(work, [row["id"] for row in due])).values():
        last_day = before.person.last_day
        if last_day is None:
            continue
        # Said when the last day was said: that nobody objected is no news, and news still on its way counts.
        said_at = max(before.person.said.get("status", work.now), before.person.said.get("last_day", work.now))
        heard = hear(before.person, LifeNews("left", said_at, day=last_day), uuid7())
        await keep(work, before, heard.person, Change("left", said_at))
    return bool(due)
