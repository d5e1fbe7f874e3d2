"""`staff` erased who an employee was, or `clients` who a client was: what was written here goes too."""

from typing import Any

from services.orders.handlers.freezes import hear_employee
from services.orders.handlers.journal import note
from shared.contracts.clients import ClientErased
from shared.database import UnitOfWork
from shared.messages import Envelope
from shared.outbox.answers import delete_kept_answers
from shared.people.freezes import publish_erasure
from shared.people.store import erase_ground_reasons

# Who wrote why an order was cancelled is not kept: it goes from every order that they placed or had a stage of.
CANCEL_REASONS = """
    UPDATE orders SET cancel_reason = NULL WHERE cancel_reason IS NOT NULL AND (placed_by = :id
    OR order_id IN (SELECT order_id FROM stages WHERE employee_id = :id))
"""


async def hear_erased(work: UnitOfWork, envelope: Envelope[Any]) -> None:
    await hear_employee(work, envelope)
    id = envelope.data.employee_id
    what = {
        "reasons": await work.execute(CANCEL_REASONS, id=id) + await erase_ground_reasons(work, id),
        "kept_answers": await delete_kept_answers(work, id),
    }
    publish_erasure(work, id, what)


async def hear_client_erased(work: UnitOfWork, envelope: Envelope[ClientErased]) -> None:
    """A contact may be named too, in why an order was cancelled."""
    event = envelope.data
    reasons = await work.execute(
        "UPDATE orders SET cancel_reason = NULL WHERE cancel_reason IS NOT NULL AND client_id = :id", id=event.client_id
    )
    answers = await delete_kept_answers(work, event.client_id)
    note(work, event.type, service=work.service, reasons=reasons, kept_answers=answers)
