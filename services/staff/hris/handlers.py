"""Sources are made, and their messages take effect: at once, when their employee appears, or when a person confirms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, StringConstraints

from services.staff.departments.store import list_existing_departments, lock_hierarchy
from services.staff.departures.handlers import hold_if_suspicious
from services.staff.departures.rules import AlreadyLeft, apply_employment_update, is_new_departure
from services.staff.employees.fields import EMPLOYEE_FIELDS, build_employee, hash_body
from services.staff.employees.handlers import check_hired_on, check_references, save_employee, today
from services.staff.employees.rules import (
    BeforeHired,
    Erased,
    HiredBeforeLeft,
    apply_absence_message,
    build_public_state,
    select_newest_facts,
    set_facts,
)
from services.staff.employees.store import (
    LifeChange,
    LockedEmployee,
    insert_employees,
    list_existing_employees,
    lock_employees,
)
from services.staff.hris import messages, rules, store
from services.staff.hris.vendors.generic import check_secret, make_secret, read_message
from shared.contracts.clients import JournalEntry
from shared.contracts.staff import EmployeeHired
from shared.database import UnitOfWork
from shared.errors import Exists, HoldfastError, NotFound
from shared.http.fields import Body
from shared.ids import Id, uuid7
from shared.service import Runtime

OLD_SECRET_VALID = timedelta(hours=24)

Secret = Annotated[str, StringConstraints(max_length=200), AfterValidator(check_secret)]


class NewSource(Body):
    """`secret` only where the HRIS makes its own."""

    id: Id
    kind: Literal["generic", "bamboohr", "personio", "gusto", "onec", "csv"]
    secret: Secret | None = None
    api: dict[str, str] | None = None


class NewSecret(Body):
    secret: Secret | None = None


async def create_source(work: UnitOfWork, body: NewSource) -> Mapping[str, Any]:
    """The source, with its secret this one time. Raises `Exists`, `UnsupportedKind`, `NothingToPoll`."""
    if body.kind != "generic":
        raise rules.UnsupportedKind
    if body.api is not None:
        raise rules.NothingToPoll
    secret = body.secret or make_secret()
    row = await work.fetch_row(
        """
        INSERT INTO hris_sources (id, kind, secret, created_at, body_hash) VALUES (:id, :kind, :secret, :now, :hash)
        ON CONFLICT (id) DO NOTHING RETURNING id, kind, created_at, NULL AS previous_until
        """,
        id=body.id,
        kind=body.kind,
        secret=secret,
        now=work.now,
        hash=hash_body(body),
    )
    if row is None:
        known = await _lock_source(work, body.id)
        if known["body_hash"] is None or bytes(known["body_hash"]) != hash_body(body):
            raise Exists
        return {**known, "secret": None}
    _publish_source_journal_entry(work, "source.created", body.id)
    return {**row, "secret": secret}


async def renew_secret(work: UnitOfWork, source_id: str, body: NewSecret) -> Mapping[str, Any]:
    """A new secret; each one before signs for another 24 hours."""
    await _lock_source(work, source_id)
    secret = body.secret or make_secret()
    await work.execute(
        """
        UPDATE hris_sources SET secret = :secret,
               previous = jsonb_build_object('secret', secret, 'until', CAST(:until AS timestamptz)) || (
                   SELECT coalesce(jsonb_agg(p), '[]') FROM jsonb_array_elements(previous) AS p
                   WHERE CAST(p ->> 'until' AS timestamptz) > :now)
        WHERE id = :id
        """,
        id=source_id,
        secret=secret,
        now=work.now,
        until=work.now + OLD_SECRET_VALID,
    )
    _publish_source_journal_entry(work, "source.secret_renewed", source_id)
    return {**await _lock_source(work, source_id), "secret": secret}


async def _lock_source(work: UnitOfWork, source_id: str) -> Mapping[str, Any]:
    row = await store.get_source(work, source_id, lock=True)
    if row is None:
        raise NotFound
    return row


def _publish_source_journal_entry(work: UnitOfWork, kind: str, source_id: str) -> None:
    work.publish(JournalEntry(kind=kind, actor_id=work.actor, details={"source_id": source_id}))


@dataclass(frozen=True)
class MessageResult:
    """What became of a message; `errors` say what was wrong with one that was refused."""

    message_id: str | None
    outcome: str
    reason: str | None = None
    errors: tuple[str, ...] = ()


async def receive_message(work: UnitOfWork, source_id: str, webhook_id: str, raw: bytes) -> MessageResult:
    """Keeps the message and lets it take effect, in one transaction. The same `webhook_id` again does nothing."""
    news = read_message(raw, work.now)
    message_id = uuid7()
    usable = isinstance(news, messages.HrisMessage)
    kept = await store.insert_message(
        work,
        id=message_id,
        source_id=source_id,
        webhook_id=webhook_id,
        said_at=news.at if isinstance(news, messages.HrisMessage) else None,
        type=news.type,
        employee_id=news.employee_id,
        outcome="pending" if usable else news.outcome,  # type: ignore[union-attr]
        reason=None if usable else "; ".join(news.errors) or None,  # type: ignore[union-attr]
        body=raw,
    )
    if not kept:
        return MessageResult(None, "repeated")
    if isinstance(news, messages.UnreadableMessage):
        return MessageResult(message_id, news.outcome, errors=news.errors)
    return await apply_message(work, source_id, message_id, news)


async def apply_message(work: UnitOfWork, source_id: str, message_id: str, news: messages.HrisMessage) -> MessageResult:
    """Lets a kept message take effect. A refusal by a rule is an outcome, not an exception: rules ask before they write."""
    try:
        received = await _dispatch_message(work, source_id, message_id, news)
    except HoldfastError as refusal:
        received = MessageResult(message_id, "refused", refusal.code, (refusal.message(),))
    if received.outcome != "applied":
        awaits = received.reason if received.outcome == "pending" else None
        await store.update_message_outcome(work, message_id, received.outcome, received.reason, awaits)
    return received


async def _dispatch_message(
    work: UnitOfWork, source_id: str, message_id: str, news: messages.HrisMessage
) -> MessageResult:
    if news.type in ("employee.hired", "employee.updated"):
        await lock_hierarchy(work)
    found = await lock_employees(work, [news.employee_id])
    before = found.get(news.employee_id)
    if before is None:
        if news.type != "employee.hired":
            return MessageResult(message_id, "pending", f"employee/{news.employee_id}")
        return await _apply_hire(work, message_id, news)
    if before.erased:
        raise Erased
    if news.type in rules.LIFE_CHANGE_KINDS:
        return await _apply_life_change(work, source_id, message_id, before, news)
    if news.type in ("employee.absent", "employee.back"):
        return await _apply_absence(work, message_id, before, news)
    return await _apply_attributes(work, message_id, before, news)


async def _apply_hire(work: UnitOfWork, message_id: str, news: messages.HrisMessage) -> MessageResult:
    person = build_employee(news.said, news.employee_id, uuid7())
    person = set_facts(person, {name: getattr(person, name) for name in EMPLOYEE_FIELDS}, news.at)
    awaited = await _find_awaited(work, {"department_id": person.department_id, "manager_id": person.manager_id})
    if awaited:
        return MessageResult(message_id, "pending", awaited)
    await check_references(work, person, {"manager_id"})
    if not await insert_employees(work, [person]):
        # Somebody registered them in this instant: then this is news about them.
        return await _apply_attributes(work, message_id, (await lock_employees(work, [person.id]))[person.id], news)
    work.publish(EmployeeHired(**build_public_state(person, today(work))))
    await store.update_message_outcome(work, message_id, "applied")
    await apply_waiting_messages(work, [f"employee/{person.id}"])
    return MessageResult(message_id, "applied")


async def _find_awaited(work: UnitOfWork, facts: Mapping[str, Any]) -> str | None:
    """What must exist before these facts can be true: `department/…`, `employee/…`, or nothing."""
    department_id, manager_id = facts.get("department_id"), facts.get("manager_id")
    if department_id is not None and not await list_existing_departments(work, [department_id]):
        return f"department/{department_id}"
    if manager_id is not None and not await list_existing_employees(work, [manager_id]):
        return f"employee/{manager_id}"
    return None


async def _apply_attributes(
    work: UnitOfWork, message_id: str, before: LockedEmployee, news: messages.HrisMessage
) -> MessageResult:
    if news.type == "employee.hired" and before.person.status == "left":
        raise AlreadyLeft
    given = {name: getattr(news.said, name) for name in messages.UPDATABLE_FIELDS if name in news.said.model_fields_set}
    facts = select_newest_facts(before.person.said, given, news.at)
    if not facts:
        return MessageResult(message_id, "old" if given else "applied")
    awaited = await _find_awaited(work, facts)
    if awaited:
        return MessageResult(message_id, "pending", awaited)
    after = set_facts(before.person, facts, news.at)
    await check_references(work, after, {"manager_id"} & set(facts))
    await check_hired_on(work, before.person, after.hired_on)
    await save_employee(work, before, after, message_id=message_id)
    return MessageResult(message_id, "applied")


async def _apply_absence(
    work: UnitOfWork, message_id: str, before: LockedEmployee, news: messages.HrisMessage
) -> MessageResult:
    kind: Literal["absent", "back"] = "absent" if news.type == "employee.absent" else "back"
    day = news.said.from_day or news.at.astimezone(ZoneInfo(work.settings.timezone)).date()
    absences = apply_absence_message(before.person.hris_absences, kind, day, news.said.until, news.at)
    if absences is None:
        return MessageResult(message_id, "old")
    await save_employee(work, before, replace(before.person, hris_absences=absences), message_id=message_id)
    return MessageResult(message_id, "applied")


async def _apply_life_change(
    work: UnitOfWork, source_id: str, message_id: str, before: LockedEmployee, news: messages.HrisMessage
) -> MessageResult:
    life = rules.build_employment_update(news, work.settings.timezone, today(work))
    person = before.person
    heard = apply_employment_update(person, life, uuid7())
    if heard.old:
        return MessageResult(message_id, "old")
    ends = life.day if life.kind == "left" else life.last_day
    if ends is not None and ends < person.hired_on:
        raise BeforeHired
    if life.kind == "rehired" and life.day is not None and person.left_on is not None and life.day <= person.left_on:
        raise HiredBeforeLeft
    reason = getattr(news.said, "reason", None)
    if is_new_departure(person, heard.person) and await hold_if_suspicious(work, source_id, before, life, reason):
        return MessageResult(message_id, "held")
    await save_employee(work, before, heard.person, LifeChange(life.kind, life.at, reason), heard.former, message_id)
    return MessageResult(message_id, "applied")


async def apply_waiting_messages(work: UnitOfWork, awaited: Sequence[str] | None = None) -> bool:
    """Lets kept messages take effect whose employee or department exists now. True if there were any."""
    found = await store.lock_applicable_messages(work, awaited)
    for row in found:
        news = read_message(bytes(row["body"]), row["received_at"])
        if isinstance(news, messages.HrisMessage):
            await apply_message(work, row["source_id"], row["id"], news)
        else:
            await store.update_message_outcome(work, row["id"], news.outcome, "; ".join(news.errors))
    return bool(found)


async def retry_pending_messages(runtime: Runtime) -> bool:
    """The net under `hire_and_hear`: for employees who were imported, or registered in the instant of the news."""
    return await runtime.transact(apply_waiting_messages)


async def update_alarm_gauges(runtime: Runtime) -> bool:
    """Keeps the alarms: departures that are held, were discarded as old or refused, or wait for an unknown employee."""
    async with runtime.database.connect() as connection:
        row = await connection.fetchrow(store.COUNT_ALARMS)
    for kind, number in row.items():
        runtime.metrics.alarm.labels(runtime.name, kind).set(number)
    return False


async def mark_message_seen(work: UnitOfWork, message_id: str) -> None:
    """Somebody has looked at a message that was discarded or refused: its alarm ends."""
    found = await work.fetch_value(
        """
        UPDATE hris_messages SET seen_by = coalesce(seen_by, :actor), seen_at = coalesce(seen_at, :now)
        WHERE id = :id RETURNING id
        """,
        id=message_id,
        actor=work.actor,
        now=work.now,
    )
    if found is None:
        raise NotFound
