"""`staff` erased who somebody was: what was written by them here, or about them, goes too."""

from typing import Any

from services.orders.handlers.freezes import hear_employee
from shared.database import UnitOfWork
from shared.messages import Envelope
from shared.outbox.answers import forget_answers
from shared.people import forget_reasons, tell_erased

# Who wrote why an order was cancelled is not kept: it goes from every order that they placed or had a stage of.
CANCEL_REASONS = """
    UPDATE orders SET cancel_reason = NULL WHERE cancel_reason IS NOT NULL AND (placed_by = :id
    OR order_id IN (SELECT order_id FROM stages WHERE employee_id = :id))
"""


async def hear_erased(work: UnitOfWork, envelope: Envelope[Any]) -> None:
    await hear_employee(work, envelope)
    id = envelope.data.employee_id
    what = {
        "reasons": await work.execute(CANCEL_REASONS, id=id) + await forget_reasons(work, id),
        "kept_answers": await forget_answers(work, id),
    }
    tell_erased(work, id, what)
