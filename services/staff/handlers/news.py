"""News from the HRIS takes effect: at once, when who it is about appears, or after a person has confirmed it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from zoneinfo import ZoneInfo

from services.staff.domain.absences import hear_absence
from services.staff.domain.brake import departures_allowed, is_new_departure, may_freeze_held
from services.staff.domain.life import LifeNews, hear, newer_only, stamped
from services.staff.domain.person import Person, caretakers, public_state
from services.staff.handlers import refusals
from services.staff.handlers.bodies import EMPLOYEE_FIELDS, NewEmployee, person_from
from services.staff.handlers.employees import check_hired_on, check_references, hire, keep, today
from services.staff.handlers.wording import KINDS, UPDATED, News, Unusable, life_news, read
from services.staff.store import departments, hris, people
from services.staff.store.people import Change, Loaded
from shared.contracts.staff import DepartureHeld, EmployeeHired
from shared.database import UnitOfWork
from shared.errors import HoldfastError
from shared.ids import uuid7
from shared.service import Runtime


@dataclass(frozen=True)
class Received:
    """What became of a message; `errors` say what was wrong with one that was refused."""

    message_id: str | None
    outcome: str
    reason: str | None = None
    errors: tuple[str, ...] = ()


async def receive(work: UnitOfWork, source_id: str, webhook_id: str, raw: bytes) -> Received:
    """Keeps the message and lets it take effect, in one transaction. The same `webhook_id` again does nothing."""
    news = read(raw, work.now)
    message_id = uuid7()
    usable = isinstance(news, News)
    kept = await hris.keep(
        work,
        id=message_id,
        source_id=source_id,
        webhook_id=webhook_id,
        said_at=news.at if isinstance(news, News) else None,
        type=news.type,
        employee_id=news.employee_id,
        outcome="pending" if usable else news.outcome,  # type: ignore[union-attr]
        reason=None if usable else "; ".join(news.errors) or None,  # type: ignore[union-attr]
        body=raw,
    )
    if not kept:
        return Received(None, "repeated")
    if isinstance(news, Unusable):
        return Received(message_id, news.outcome, errors=news.errors)
    return await take_in(work, source_id, message_id, news)


async def take_in(work: UnitOfWork, source_id: str, message_id: str, news: News) -> Received:
    """Lets a kept message take effect. A refusal by a rule is an outcome, not an exception: rules ask before they write."""
    try:
        received = await _take_in(work, source_id, message_id, news)
    except HoldfastError as refusal:
        received = Received(message_id, "refused", refusal.code, (refusal.message(),))
    if received.outcome != "applied":
        awaits = received.reason if received.outcome == "pending" else None
        await hris.settle(work, message_id, received.outcome, received.reason, awaits)
    return received


async def _take_in(work: UnitOfWork, source_id: str, message_id: str, news: News) -> Received:
    if news.type in ("employee.hired", "employee.updated"):
        await people.lock_chains(work)
    found = await people.load(work, [news.employee_id])
    before = found.get(news.employee_id)
    if before is None:
        if news.type != "employee.hired":
            return Received(message_id, "pending", f"employee/{news.employee_id}")
        return await _hire(work, message_id, news)
    if before.erased:
        raise refusals.Erased
    if news.type in KINDS:
        return await _live(work, source_id, message_id, before, news)
    if news.type in ("employee.absent", "employee.back"):
        return await _absence(work, message_id, before, news)
    return await _update(work, message_id, before, news)


async def _hire(work: UnitOfWork, message_id: str, news: News) -> Received:
    person = person_from(news.said, news.employee_id, uuid7())
    person = stamped(person, {name: getattr(person, name) for name in EMPLOYEE_FIELDS}, news.at)
    awaited = await _awaited(work, {"department_id": person.department_id, "manager_id": person.manager_id})
    if awaited:
        return Received(message_id, "pending", awaited)
    await check_references(work, person, {"manager_id"})
    if not await people.insert(work, [person]):
        # Somebody registered them in this instant: then this is news about them.
        return await _update(work, message_id, (await people.load(work, [person.id]))[person.id], news)
    work.publish(EmployeeHired(**public_state(person, today(work))))
    await hris.settle(work, message_id, "applied")
    await take_in_ripe(work, [f"employee/{person.id}"])
    return Received(message_id, "applied")


async def _awaited(work: UnitOfWork, facts: Mapping[str, Any]) -> str | None:
    """What must exist before these facts can be true: `department/…`, `employee/…`, or nothing."""
    department_id, manager_id = facts.get("department_id"), facts.get("manager_id")
    if department_id is not None and not await departments.known(work, [department_id]):
        return f"department/{department_id}"
    if manager_id is not None and not await people.known(work, [manager_id]):
        return f"employee/{manager_id}"
    return None


async def _update(work: UnitOfWork, message_id: str, before: Loaded, news: News) -> Received:
    if news.type == "employee.hired" and before.person.status == "left":
        raise refusals.AlreadyLeft
    given = {name: getattr(news.said, name) for name in UPDATED if name in news.said.model_fields_set}
    facts = newer_only(before.person.said, given, news.at)
    if not facts:
        return Received(message_id, "old" if given else "applied")
    awaited = await _awaited(work, facts)
    if awaited:
        return Received(message_id, "pending", awaited)
    after = stamped(before.person, facts, news.at)
    await check_references(work, after, {"manager_id"} & set(facts))
    await check_hired_on(work, before.person, after.hired_on)
    await keep(work, before, after, message_id=message_id)
    return Received(message_id, "applied")


async def _absence(work: UnitOfWork, message_id: str, before: Loaded, news: News) -> Received:
    kind: Literal["absent", "back"] = "absent" if news.type == "employee.absent" else "back"
    day = news.said.from_day or news.at.astimezone(ZoneInfo(work.settings.timezone)).date()
    absences = hear_absence(before.person.hris_absences, kind, day, news.said.until, news.at)
    if absences is None:
        return Received(message_id, "old")
    await keep(work, before, replace(before.person, hris_absences=absences), message_id=message_id)
    return Received(message_id, "applied")


async def _live(work: UnitOfWork, source_id: str, message_id: str, before: Loaded, news: News) -> Received:
    life = life_news(news, work.settings.timezone, today(work))
    person = before.person
    heard = hear(person, life, uuid7())
    if heard.old:
        return Received(message_id, "old")
    ends = life.day if life.kind == "left" else life.last_day
    if ends is not None and ends < person.hired_on:
        raise refusals.BeforeHired
    if life.kind == "rehired" and life.day is not None and person.left_on is not None and life.day <= person.left_on:
        raise refusals.HiredBeforeLeft
    reason = getattr(news.said, "reason", None)
    if is_new_departure(person, heard.person) and await _is_held(work, source_id, before, life, reason):
        return Received(message_id, "held")
    await keep(work, before, heard.person, Change(life.kind, life.at, reason), heard.former, message_id)
    return Received(message_id, "applied")


async def _is_held(work: UnitOfWork, source_id: str, before: Loaded, life: LifeNews, reason: str | None) -> bool:
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
        await hris.renew_hold(work, {**row, "id": before.hold_id})
        return True
    counted = await hris.count_departure(work, source_id, today(work))
    if counted["departures"] <= departures_allowed(work.settings.hold_departures_above, counted["staff"]):
        return False
    frozen = may_freeze_held(work.settings.freeze_held, counted["frozen"], counted["staff"])
    hold_id = uuid7()
    await hris.hold(work, {**row, "id": hold_id, "held_at": work.now, "frozen": frozen})
    work.publish(
        DepartureHeld(
            **public_state(before.person, today(work)),
            hold_id=hold_id,
            **{name: row[name] for name in ("notice_on", "last_day", "ends_on", "left_on")},
            freeze=frozen,
            caretakers=caretakers(before.person, before.heads, work.settings.last_resort),
        )
    )
    return True


async def hire_and_hear(work: UnitOfWork, body: NewEmployee) -> Person:
    """A new employee, with what the HRIS had said of them before they were known."""
    person = await hire(work, body)
    if not await take_in_ripe(work, [f"employee/{person.id}"]):
        return person
    return (await people.load(work, [person.id]))[person.id].person


async def take_in_ripe(work: UnitOfWork, awaited: Sequence[str] | None = None) -> bool:
    """Lets kept messages take effect whose employee or department exists now. True if there were any."""
    found = await hris.ripe(work, awaited)
    for row in found:
        news = read(bytes(row["body"]), row["received_at"])
        if isinstance(news, News):
            await take_in(work, row["source_id"], row["id"], news)
        else:
            await hris.settle(work, row["id"], news.outcome, "; ".join(news.errors))
    return bool(found)


async def take_in_pending(runtime: Runtime) -> bool:
    """The net under `hire_and_hear`: for employees who were imported, or registered in the instant of the news."""
    return await runtime.transact(take_in_ripe)


async def count_alarms(runtime: Runtime) -> bool:
    """Keeps the alarms: departures that are held, were discarded as old or refused, or wait for an unknown employee."""
    async with runtime.database.connect() as connection:
        row = await connection.fetchrow(hris.ALARMS)
    for kind, number in row.items():
        runtime.metrics.alarm.labels(runtime.name, kind).set(number)
    return False
