"""`staff` erased who an employee was: the free text of their cases goes, and what they wrote in the cases of others.

`clients` erased who a client was, or a person there: what was noted of that client in a handover goes.
"""

from typing import Any

from services.offboarding.departures.handlers import on_employee_event
from services.offboarding.erasure import store
from shared.contracts.clients import ClientErased, JournalEntry
from shared.contracts.staff import EmployeeErased
from shared.database import UnitOfWork
from shared.messages import Envelope
from shared.outbox.answers import delete_kept_answers
from shared.people.freezes import publish_erasure
from shared.people.store import erase_ground_reasons


async def on_employee_erased(work: UnitOfWork, envelope: Envelope[EmployeeErased]) -> None:
    await on_employee_event(work, envelope)
    id = envelope.data.employee_id
    what = await store.erase_employee(work, id)
    what["reasons"] += await erase_ground_reasons(work, id)
    what["kept_answers"] = await delete_kept_answers(work, id, *await store.list_case_ids(work, id))
    publish_erasure(work, id, what)


async def on_client_erased(work: UnitOfWork, envelope: Envelope[ClientErased]) -> None:
    """Of a contact only the client is told: the event cannot say a name, so whatever could say it goes, in open cases too."""
    event = envelope.data
    ids = [event.client_id, *event.merged_ids]
    what = await store.erase_client(work, ids)
    what["kept_answers"] = await delete_kept_answers(work, *ids)
    work.publish(JournalEntry(kind=event.type, actor_id=work.actor, details={"service": work.service, **what}))


async def read_personal_data(work: UnitOfWork, employee_id: str, clients: bool) -> Any:
    found = await store.get_personal_data(work, employee_id, clients)
    details: dict[str, str | int | bool | None] = {"service": work.service}
    work.publish(JournalEntry(kind="personal_data.read", actor_id=work.actor, employee_id=employee_id, details=details))
    return found
