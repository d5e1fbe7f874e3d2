"""`staff` erased who somebody was: the free text of their cases goes, and what they wrote in the cases of others."""

from services.offboarding.handlers.departures import hear_employee
from services.offboarding.store import erasures
from shared.contracts.staff import EmployeeErased
from shared.database import UnitOfWork
from shared.messages import Envelope
from shared.outbox.answers import forget_answers
from shared.people import forget_reasons, tell_erased


async def hear_erased(work: UnitOfWork, envelope: Envelope[EmployeeErased]) -> None:
    await hear_employee(work, envelope)
    id = envelope.data.employee_id
    what = await erasures.erase_employee(work, id)
    what["reasons"] += await forget_reasons(work, id)
    what["kept_answers"] = await forget_answers(work, id, *await erasures.cases_of(work, id))
    tell_erased(work, id, what)
