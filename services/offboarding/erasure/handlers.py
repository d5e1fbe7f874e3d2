"""`staff` erased who an employee was: the free text of their cases goes, and what they wrote in the cases of others.

`clients` erased who a client was, or a person there: what was noted of that client in a handover goes. Rows, ids, dates and
words of ours stay: the certificate still says what was done, and when.
"""

from services.offboarding.cases.store import erase_skip_reasons, list_case_ids
from services.offboarding.departures.handlers import on_employee_event
from services.offboarding.documents.store import erase_document_texts
from services.offboarding.introductions.store import erase_introduction_texts
from services.offboarding.tasks.store import erase_task_texts
from services.offboarding.visits.store import erase_visit_notes
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
    case_ids = await list_case_ids(work, employee_id)
    erased = {
        "proofs": await erase_task_texts(work, case_ids, employee_id),
        "documents": await erase_document_texts(work, case_ids, listed_by=employee_id),
        "introductions": await erase_introduction_texts(work, case_ids, to_id=employee_id),
        "visits": await erase_visit_notes(work, case_ids, closed_by=employee_id),
        "reasons": await erase_skip_reasons(work, case_ids, employee_id)
        + await erase_ground_reasons(work, employee_id),
        "kept_answers": await delete_kept_responses_to_or_mentioning(work, employee_id, *case_ids),
    }
    publish_erasure(work, employee_id, erased)


async def on_client_erased(work: UnitOfWork, envelope: Envelope[ClientErased]) -> None:
    """Of a contact only the client is told: the event cannot say a name, so whatever could say it goes, in open cases too."""
    event = envelope.data
    client_ids = [event.client_id, *event.merged_ids]
    publish_journal_entry(
        work,
        event.type,
        service=work.service,
        documents=await erase_document_texts(work, client_ids=client_ids),
        introductions=await erase_introduction_texts(work, client_ids=client_ids),
        visits=await erase_visit_notes(work, client_ids=client_ids),
        kept_answers=await delete_kept_responses_to_or_mentioning(work, *client_ids),
    )
