"""Sources are made, and their messages take effect: at once, when their employee appears, or when a person confirms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from services.staff.departments.store import list_existing_departments, lock_hierarchy
from services.staff.departures.handlers import count_departure_and_hold_if_too_many, save_life_change
from services.staff.departures.rules import AlreadyLeft, apply_employment_update, is_new_departure
from services.staff.employees.fields import EMPLOYEE_FIELDS, get_given_facts
from services.staff.employees.handlers import (
    require_possible_hired_on,
    require_valid_department_and_manager,
    save_employee,
)
from services.staff.employees.rules import (
    BeforeHired,
    EmployeeFacts,
    EmployeeIsErased,
    HiredBeforeLeft,
    apply_absence_message,
    build_event,
    get_facts,
    record_facts,
    select_newest_facts,
)
from services.staff.employees.store import LockedEmployee, insert_employees, list_statuses, lock_employees
from services.staff.hris import fields, messages, rules, store
from services.staff.hris.vendors import VENDORS
from shared.calendar import get_local_day
from shared.contracts.staff import EmployeeHired
from shared.database import UnitOfWork
from shared.errors import HoldfastError, NotFound
from shared.http.creation import hash_body, require_same_body
from shared.ids import uuid7
from shared.journal import publish_journal_entry
from shared.service import Runtime

OLD_SECRET_VALID = timedelta(hours=24)


# -- sources -----------------------------------------------------------------------------------------------------------


async def create_source(work: UnitOfWork, body: fields.NewSourceBody) -> rules.HrisSource:
    """The source, with its secret this one time. Raises `IdTaken`, `UnsupportedKind`, `SourceIsNeverPolled`."""
    vendor = VENDORS.get(body.kind)
    if vendor is None:
        raise rules.UnsupportedKind
    if body.api is not None:
        raise rules.SourceIsNeverPolled
    secret = body.secret or vendor.make_secret()
    if not await store.insert_source(work, body.id, body.kind, secret, hash_body(body)):
        require_same_body(await store.get_source_body_hash(work, body.id), body)
        return await store.get_source(work, body.id)
    publish_journal_entry(work, "source.created", source_id=body.id)
    return replace(await store.get_source(work, body.id), secret=secret)


async def rotate_secret(work: UnitOfWork, source_id: str, body: fields.NewSecretBody) -> rules.HrisSource:
    """The source with its new secret; each one before signs for another 24 hours. Raises `NotFound`."""
    source = await store.get_source(work, source_id)
    secret = body.secret or VENDORS[source.kind].make_secret()
    await store.update_secret(work, source_id, secret, work.now + OLD_SECRET_VALID)
    publish_journal_entry(work, "source.secret_renewed", source_id=source_id)
    return replace(await store.get_source(work, source_id), secret=secret)


# -- messages ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MessageResult:
    """What became of a message. `reason`: why it was refused, or what it awaits; `errors` say it for people."""

    outcome: rules.MessageOutcome
    reason: str | None = None
    errors: tuple[str, ...] = ()


async def receive_message(
    work: UnitOfWork, source_id: str, webhook_id: str, headers: Mapping[str, str], body: bytes
) -> tuple[str, MessageResult] | None:
    """Keeps the message under the id that is returned, and lets it take effect, in one transaction.

    None: this `webhook_id` was received before, and does nothing again. Raises `NotSigned`.
    """
    source = await store.get_valid_secrets(work, source_id)
    vendor = VENDORS[source.kind]
    if not vendor.is_signed(source.secrets, headers, body):
        raise rules.NotSigned
    message = vendor.parse_message(body, work.now)
    message_id = uuid7()
    if not await store.insert_message(work, message_id, source_id, webhook_id, message, body):
        return None
    return message_id, await apply_message_and_record_outcome(work, source_id, message_id, message)


async def apply_message_and_record_outcome(
    work: UnitOfWork, source_id: str, message_id: str, message: messages.HrisMessage | messages.UnusableMessage
) -> MessageResult:
    """Lets a kept message take effect. A refusal by a rule is an outcome, not an exception: rules ask before they write."""
    try:
        result = await _apply(work, source_id, message)
    except HoldfastError as refusal:
        result = MessageResult("refused", refusal.code, (refusal.message(),))
    awaits = result.reason if result.outcome == "pending" else None
    await store.update_message_outcome(work, message_id, result.outcome, result.reason, awaits)
    return result


async def _apply(
    work: UnitOfWork, source_id: str, message: messages.HrisMessage | messages.UnusableMessage
) -> MessageResult:
    if isinstance(message, messages.UnusableMessage):
        return MessageResult(message.outcome, "; ".join(message.errors) or None, message.errors)
    content = message.content
    if isinstance(content, messages.AttributesMessage):
        await lock_hierarchy(work)
    locked = (await lock_employees(work, [content.employee_id])).get(content.employee_id)
    if locked is None:
        if not isinstance(content, messages.EmployeeHiredMessage):
            return MessageResult("pending", f"employee/{content.employee_id}")
        return await _apply_hire(work, message, content)
    if locked.is_erased:
        raise EmployeeIsErased
    if isinstance(content, messages.AttributesMessage):
        return await _apply_attributes(work, locked, message, content)
    if isinstance(content, messages.AbsenceMessage):
        return await _apply_absence(work, locked, message, content)
    return await _apply_life_change(work, source_id, locked, message, content)


async def _apply_hire(
    work: UnitOfWork, message: messages.HrisMessage, content: messages.EmployeeHiredMessage
) -> MessageResult:
    employee = content.to_employee(content.employee_id, uuid7())
    facts = get_facts(employee, EMPLOYEE_FIELDS)
    employee = record_facts(employee, facts, message.at)
    awaited = await _find_awaited(work, facts)
    if awaited:
        return MessageResult("pending", awaited)
    await require_valid_department_and_manager(work, employee, {"manager_id"})
    if not await insert_employees(work, [employee]):
        # Somebody registered them in this instant: then this is news about them.
        locked = (await lock_employees(work, [employee.id]))[employee.id]
        return await _apply_attributes(work, locked, message, content)
    work.publish(build_event(EmployeeHired, employee, work.today))
    await apply_pending_messages(work, [f"employee/{employee.id}"])
    return MessageResult("applied")


async def _find_awaited(work: UnitOfWork, facts: EmployeeFacts) -> str | None:
    """What must exist before these facts can be true: `department/…`, `employee/…`, or nothing."""
    department_id, manager_id = facts.get("department_id"), facts.get("manager_id")
    if department_id is not None and not await list_existing_departments(work, [department_id]):
        return f"department/{department_id}"
    if manager_id is not None and not await list_statuses(work, [manager_id]):
        return f"employee/{manager_id}"
    return None


async def _apply_attributes(
    work: UnitOfWork, locked: LockedEmployee, message: messages.HrisMessage, content: messages.AttributesMessage
) -> MessageResult:
    before = locked.employee
    if isinstance(content, messages.EmployeeHiredMessage) and before.status == "left":
        raise AlreadyLeft
    given = get_given_facts(content)
    facts = select_newest_facts(before.said, given, message.at)
    if not facts:
        return MessageResult("old" if given else "applied")
    awaited = await _find_awaited(work, facts)
    if awaited:
        return MessageResult("pending", awaited)
    after = record_facts(before, facts, message.at)
    await require_valid_department_and_manager(work, after, {"manager_id"} & set(facts))
    await require_possible_hired_on(work, before, after.hired_on)
    await save_employee(work, locked, after)
    return MessageResult("applied")


async def _apply_absence(
    work: UnitOfWork, locked: LockedEmployee, message: messages.HrisMessage, content: messages.AbsenceMessage
) -> MessageResult:
    kind: Literal["absent", "back"] = "absent" if isinstance(content, messages.EmployeeAbsentMessage) else "back"
    day = content.from_day or get_local_day(message.at, work.settings.timezone)
    absences = apply_absence_message(locked.employee.hris_absences, kind, day, content.until, message.at)
    if absences is None:
        return MessageResult("old")
    await save_employee(work, locked, replace(locked.employee, hris_absences=absences))
    return MessageResult("applied")


async def _apply_life_change(
    work: UnitOfWork,
    source_id: str,
    locked: LockedEmployee,
    message: messages.HrisMessage,
    content: messages.LifeMessage,
) -> MessageResult:
    before = locked.employee
    update = rules.build_employment_update(content, message.at, work.settings.timezone, work.today)
    updated = apply_employment_update(before, update, uuid7())
    if updated.is_outdated:
        return MessageResult("old")
    ends_on = update.left_or_hired_on if update.kind == "left" else update.last_day
    if ends_on is not None and ends_on < before.hired_on:
        raise BeforeHired
    if (
        update.kind == "rehired"
        and update.left_or_hired_on
        and before.left_on
        and update.left_or_hired_on <= before.left_on
    ):
        raise HiredBeforeLeft
    reason = getattr(content, "reason", None)
    if is_new_departure(before, updated.employee) and await count_departure_and_hold_if_too_many(
        work, source_id, locked, update, reason
    ):
        return MessageResult("held")
    await save_life_change(work, locked, updated, update.kind, update.at, reason)
    return MessageResult("applied")


async def apply_pending_messages(work: UnitOfWork, awaited_refs: Sequence[str] | None = None) -> bool:
    """Lets pending messages take effect whose employee or department exists now: of all, or of these awaited (`employee/…`).

    True if there were any.
    """
    applicable = await store.lock_applicable_messages(work, awaited_refs)
    for waiting in applicable:
        message = VENDORS[waiting.kind].parse_message(waiting.body, waiting.received_at)
        await apply_message_and_record_outcome(work, waiting.source_id, waiting.id, message)
    return bool(applicable)


async def retry_pending_messages(runtime: Runtime) -> bool:
    """For employees who were imported, or registered in the instant of the message: nobody else looks for those."""
    return await runtime.transact(apply_pending_messages)


async def mark_message_seen(work: UnitOfWork, message_id: str) -> None:
    """Somebody has looked at a message that was discarded or refused: its alarm ends. Raises `NotFound`."""
    if not await store.update_message_seen(work, message_id):
        raise NotFound


async def update_alarm_gauges(runtime: Runtime) -> bool:
    """Keeps the alarms: departures that are held, were discarded as old or refused, or wait for an unknown employee."""
    async with runtime.database.connect() as connection:
        counted = await store.count_departure_alarms_by_kind(connection)
    for kind, number in counted.items():
        runtime.metrics.alarm.labels(runtime.name, kind).set(number)
    return False
