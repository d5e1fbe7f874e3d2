"""Erasing who somebody was: here at once, in the other services when they hear of it; and what stands in the way."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.staff.domain.erasure import names
from services.staff.domain.person import public_state
from services.staff.handlers import refusals
from services.staff.handlers.employees import journal, one, today
from services.staff.store import erasures
from services.staff.store.people import person_of
from shared.contracts.clients import ErasureDone, JournalHeld, JournalReleased
from shared.contracts.offboarding import OffboardingCancelled, OffboardingCleared, OffboardingStarted
from shared.contracts.staff import EmployeeErased
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.messages import Envelope
from shared.outbox.answers import delete_kept_answers
from shared.settings import SERVICES


async def erase(work: UnitOfWork, employee_id: str, reason: str) -> Mapping[str, Any]:
    """The act of it; again gives the same. Raises `OwnCase`, `StillWorksHere`, `CaseIsOpen`, `HeldByLaw`, `ReasonNamesThem`."""
    if employee_id == work.actor:
        raise refusals.OwnCase
    before = await one(work, employee_id)
    if before.erased:
        return await act(work, employee_id)
    person = before.person
    if person.status != "left":
        raise refusals.StillWorksHere
    if not await erasures.case_is_closed(work, employee_id, person.employment_id):
        raise refusals.CaseIsOpen
    if await erasures.is_held(work, employee_id):
        raise refusals.HeldByLaw
    if names(reason, person.name, person.email):
        raise refusals.ReasonNamesThem
    what = await erasures.erase(work, employee_id)
    what["kept_answers"] = await delete_kept_answers(work, employee_id)
    await erasures.note(work, employee_id, work.service, what, reason)
    # The leaf first: `clients` hears both in this order, and deletes under whom the journal names this person.
    journal(work, "employee.erased", employee_id, service=work.service, **what)
    work.publish(*await announcements(work, [employee_id]))
    return await act(work, employee_id)


async def announcements(work: UnitOfWork, ids: Iterable[str]) -> list[EmployeeErased]:
    return [
        EmployeeErased(**public_state(person_of(row), today(work)), employment_ids=row["employment_ids"])
        for row in await erasures.erased(work, ids)
    ]


async def act(work: UnitOfWork, employee_id: str) -> Mapping[str, Any]:
    """What was erased, when and by whom; which services have not said so yet, or hold back. Raises `NotFound`."""
    rows = {row["service"]: row for row in await erasures.acts(work, employee_id)}
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


async def hear_done(work: UnitOfWork, envelope: Envelope[ErasureDone]) -> None:
    event = envelope.data
    await erasures.note(work, event.employee_id, envelope.source.rpartition("/")[2], event.what, held=event.held)


async def hear_started(work: UnitOfWork, envelope: Envelope[OffboardingStarted]) -> None:
    event = envelope.data
    await erasures.begin_case(work, event.case_id, event.employee_id, event.employment_id)


async def hear_closed(work: UnitOfWork, envelope: Envelope[OffboardingCleared | OffboardingCancelled]) -> None:
    """A cleared case is closed although its follow-up runs on: that counts orders by id."""
    cleared = isinstance(envelope.data, OffboardingCleared)
    await erasures.close_case(work, envelope.data.case_id, "cleared" if cleared else "cancelled")


async def hear_held(work: UnitOfWork, envelope: Envelope[JournalHeld]) -> None:
    await erasures.hold(work, envelope.data.employee_id)


async def hear_released(work: UnitOfWork, envelope: Envelope[JournalReleased]) -> None:
    await erasures.release(work, envelope.data.employee_id)
