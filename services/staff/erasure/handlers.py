"""Erasing who somebody was: here at once, in the other services when they hear of it."""

from services.staff.departures.rules import OwnCase
from services.staff.departures.store import erase_hold_reasons, is_case_closed
from services.staff.employees.handlers import lock_employee
from services.staff.employees.rules import Employee, build_event
from services.staff.employees.store import (
    erase_profile_and_reasons,
    list_employees_with_employments,
    lock_erased_ids_after,
)
from services.staff.erasure import rules, store
from services.staff.hris.store import erase_message_bodies
from services.staff.policies.store import erase_acknowledgement_texts
from shared.contracts.clients import ErasureDone, JournalHeld, JournalReleased
from shared.contracts.staff import EmployeeErased
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.journal import publish_journal_entry
from shared.messages import Envelope
from shared.outbox.idempotency import delete_kept_responses_to_or_mentioning
from shared.settings import SERVICES

REPUBLISH_BATCH = 500


async def erase_employee(work: UnitOfWork, employee_id: str, reason: str) -> rules.ErasureRecord:
    """The record of it; again gives the same.

    Raises `OwnCase`, `StillWorksHere`, `CaseNotClosed`, `HeldByLaw`, `ReasonNamesThem`.
    """
    if employee_id == work.actor:
        raise OwnCase
    locked = await lock_employee(work, employee_id)
    if locked.is_erased:
        return await read_erasure(work, employee_id)
    employee = locked.employee
    if employee.status != "left":
        raise rules.StillWorksHere
    if not await is_case_closed(work, employee_id, employee.employment_id):
        raise rules.CaseNotClosed
    if await store.exists_legal_hold(work, employee_id):
        raise rules.HeldByLaw
    if rules.is_named_in(reason, employee.name, employee.email):
        raise rules.ReasonNamesThem
    what = await _erase_in_all_subjects(work, employee)
    await store.upsert_erasure(work, employee_id, work.service, what, reason)
    # The leaf first: `clients` hears both in this order, and deletes under whom the journal names this person.
    publish_journal_entry(work, "employee.erased", employee_id, None, service=work.service, **what)
    await _publish_erased(work, [employee_id])
    return await read_erasure(work, employee_id)


async def _erase_in_all_subjects(work: UnitOfWork, employee: Employee) -> dict[str, int]:
    """Empties whatever says who this is; docs/erasure.md lists every column. Returns how many of each kind."""
    return {
        "profile": 1,
        "absences": len(employee.absences),
        "reasons": await erase_profile_and_reasons(work, employee.id)
        + await erase_hold_reasons(work, employee.id)
        + await erase_acknowledgement_texts(work, employee.id),
        "hris_messages": await erase_message_bodies(work, employee.id, employee.email),
        "kept_answers": await delete_kept_responses_to_or_mentioning(work, employee.id),
    }


async def _publish_erased(work: UnitOfWork, ids: list[str]) -> None:
    for erased in await list_employees_with_employments(work, ids):
        work.publish(build_event(EmployeeErased, erased.employee, work.today, employment_ids=erased.employment_ids))


async def read_erasure(work: UnitOfWork, employee_id: str) -> rules.ErasureRecord:
    """What was erased, when and by whom; which services have not said so yet, or hold back. Raises `NotFound`."""
    erasures = {erasure.service: erasure for erasure in await store.list_service_erasures(work, employee_id)}
    if work.service not in erasures:
        raise NotFound
    own = erasures[work.service]
    return rules.ErasureRecord(
        id=employee_id,
        erased_at=own.at,
        by_id=own.by_id,
        reason=own.reason or "",
        what={service: erasure.emptied_counts for service, erasure in erasures.items()},
        waiting_for=[service for service in SERVICES if service not in erasures],
        held=[service for service, erasure in erasures.items() if erasure.is_held],
    )


async def on_erasure_done(work: UnitOfWork, envelope: Envelope[ErasureDone]) -> None:
    event = envelope.data
    service = envelope.source.rpartition("/")[2]
    await store.upsert_erasure(work, event.employee_id, service, event.what, is_held=event.held)


async def on_journal_held(work: UnitOfWork, envelope: Envelope[JournalHeld]) -> None:
    await store.insert_legal_hold(work, envelope.data.employee_id)


async def on_journal_released(work: UnitOfWork, envelope: Envelope[JournalReleased]) -> None:
    await store.delete_legal_hold(work, envelope.data.employee_id)


async def republish_erasures(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    """For whoever comes back from a restore with what was erased."""
    ids = await lock_erased_ids_after(work, after, REPUBLISH_BATCH)
    await _publish_erased(work, ids)
    return len(ids), ids[-1] if ids else None
