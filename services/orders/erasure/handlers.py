"""`staff` erased who an employee was, or `clients` who a client was: what was written here goes too."""

from services.orders.freezes.handlers import on_employee_event
from services.orders.orders.store import erase_cancel_reasons_of_client, erase_cancel_reasons_of_employee
from shared.contracts.clients import ClientErased
from shared.contracts.staff import EmployeeErased
from shared.database import UnitOfWork
from shared.journal import publish_erasure, publish_journal_entry
from shared.messages import Envelope
from shared.outbox.idempotency import delete_kept_responses_to_or_mentioning
from shared.people.store import erase_ground_reasons


async def on_employee_erased(work: UnitOfWork, envelope: Envelope[EmployeeErased]) -> None:
    await on_employee_event(work, envelope)
    employee_id = envelope.data.employee_id
    erased = {
        "reasons": await erase_cancel_reasons_of_employee(work, employee_id)
        + await erase_ground_reasons(work, employee_id),
        "kept_answers": await delete_kept_responses_to_or_mentioning(work, employee_id),
    }
    publish_erasure(work, employee_id, erased)


async def on_client_erased(work: UnitOfWork, envelope: Envelope[ClientErased]) -> None:
    """Heard of a contact too, who may be named as the client may."""
    event = envelope.data
    reasons = await erase_cancel_reasons_of_client(work, event.client_id)
    answers = await delete_kept_responses_to_or_mentioning(work, event.client_id)
    publish_journal_entry(work, event.type, service=work.service, reasons=reasons, kept_answers=answers)
