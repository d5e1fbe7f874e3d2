"""Erasing who somebody was: here at once, in the other services when they hear of it."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.staff.departures.rules import OwnCase
from services.staff.departures.store import is_case_closed
from services.staff.employees.handlers import lock_employee, publish_journal_entry, today
from services.staff.employees.rules import build_public_state
from services.staff.employees.store import employee_from_row
from services.staff.erasure import rules, store
from shared.contracts.clients import ErasureDone, JournalHeld, JournalReleased
from shared.contracts.staff import EmployeeErased
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.messages import Envelope
from shared.outbox.answers import delete_kept_answers
from shared.settings import SERVICES


async def erase_employee(work: UnitOfWork, employee_id: str, reason: str) -> Mapping[str, Any]:
    """The act of it; again gives the same. Raises `OwnCase`, `StillWorksHere`, `CaseIsOpen`, `HeldByLaw`, `ReasonNamesThem`."""
    if employee_id == work.actor:
        raise OwnCase
    before = await lock_employee(work, employee_id)
    if before.erased:
        return await read_erasure(work, employee_id)
    person = before.person
    if person.status != "left":
        raise rules.StillWorksHere
    if not await is_case_closed(work, employee_id, person.employment_id):
        raise rules.CaseIsOpen
    if await store.exists_legal_hold(work, employee_id):
        raise rules.HeldByLaw
    if rules.is_named_in(reason, person.name, person.email):
        raise rules.ReasonNamesThem
    what = await store.erase_employee(work, employee_id)
    what["kept_answers"] = await delete_kept_answers(work, employee_id)
    await store.upsert_erasure(work, employee_id, work.service, what, reason)
    # The leaf first: `clients` hears both in this order, and deletes under whom the journal names this person.
    publish_journal_entry(work, "employee.erased", employee_id, service=work.service, **what)
    work.publish(*await build_erasure_events(work, [employee_id]))
    return await read_erasure(work, employee_id)


async def build_erasure_events(work: UnitOfWork, ids: Iterable[str]) -> list[EmployeeErased]:
    return [
        EmployeeErased(**build_public_state(employee_from_row(row), today(work)), employment_ids=row["employment_ids"])
        for row in await store.list_employees_with_employments(work, ids)
    ]


async def read_erasure(work: UnitOfWork, employee_id: str) -> Mapping[str, Any]:
    """What was erased, when and by whom; which services have not said so yet, or hold back. Raises `NotFound`."""
    rows = {row["service"]: row for row in await store.list_erasures(work, employee_id)}
    if work.service not in rows:
        raise NotFound
    own = rows[work.service]
    return {
        "id": employee_id,
        "erased_at": own["at"],
        "by_id": own["by_id"],
        "reason": own["reason"],
        "what": {service: row["what"] for service, row in rows.items()},
        "waiting_for": [name for name in SERVICES if name not in rows],
        "held": [name for name, row in rows.items() if row["held"]],
    }


async def on_erasure_done(work: UnitOfWork, envelope: Envelope[ErasureDone]) -> None:
    event = envelope.data
    await store.upsert_erasure(work, event.employee_id, envelope.source.rpartition("/")[2], event.what, held=event.held)


async def on_journal_held(work: UnitOfWork, envelope: Envelope[JournalHeld]) -> None:
    await store.insert_legal_hold(work, envelope.data.employee_id)


async def on_journal_released(work: UnitOfWork, envelope: Envelope[JournalReleased]) -> None:
    await store.delete_legal_hold(work, envelope.data.employee_id)
