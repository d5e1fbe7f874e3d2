"""`staff` erased who an employee was, or `clients` who a client was: what was written here goes too."""

from typing import Any

from services.orders.freezes.handlers import on_employee_changed
from services.orders.orders.store import ERASE_CANCEL_REASONS_SQL
from shared.contracts.clients import ClientErased
from shared.database import UnitOfWork
from shared.journal import publish_journal_entry
from shared.messages import Envelope
from shared.outbox.answers import delete_kept_answers
from shared.people.freezes import publish_erasure
from shared.people.store import erase_ground_reasons


async def on_employee_erased(work: UnitOfWork, envelope: Envelope[Any]) -> None:
    await on_employee_changed(work, envelope)
    id = envelope.data.employee_id
    what = {
        "reasons": await work.execute(ERASE_CANCEL_REASONS_SQL, id=id) + await erase_ground_reasons(work, id),
        "kept_answers": await delete_kept_answers(work, id),
    }
    publish_erasure(work, id, what)


async def on_client_erased(work: UnitOfWork, envelope: Envelope[ClientErased]) -> None:
    """A contact may be named too, in why an order was cancelled."""
    event = envelope.data
    reasons = await work.execute(
        "UPDATE orders SET cancel_reason = NULL WHERE cancel_reason IS NOT NULL AND client_id = :id", id=event.client_id
    )
    answers = await delete_kept_answers(work, event.client_id)
    publish_journal_entry(work, event.type, service=work.service, reasons=reasons, kept_answers=answers)
