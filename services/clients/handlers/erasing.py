"""`staff` erased who somebody was: what was written by them or about them goes, and under whom the journal names them."""

from typing import Any

from services.clients.handlers.freezes import hear_employee
from services.clients.store import erasures, journal
from shared import people
from shared.contracts.clients import ErasureDone
from shared.database import UnitOfWork, transact
from shared.messages import Envelope
from shared.outbox.answers import forget_answers
from shared.service import Runtime


async def hear_erased(work: UnitOfWork, envelope: Envelope[Any]) -> None:
    """Who is locked here writes nothing more; what others still write about an id comes under a new surrogate."""
    id = envelope.data.employee_id
    await people.lock(work, changing=[id])
    await hear_employee(work, envelope)
    what = await erasures.erase_employee(work, id)
    what["reasons"] += await people.forget_reasons(work, id)
    what["kept_answers"] = await forget_answers(work, id)
    await journal.write(work, "employee.erased", employee_id=id, details={"service": work.service, **what})
    await erasures.note(work, "employee", id, what)
    await erasures.forget_surrogates(work)
    work.publish(ErasureDone(employee_id=id, what=what))


async def forget_surrogates(runtime: Runtime) -> bool:
    """Ticker: the net under entries that were on their way."""
    await transact(runtime, erasures.forget_surrogates)
    return False
