"""The inventory of working documents: listed, handed over, and signed for by who receives them."""

from dataclasses import replace

from services.offboarding.assignees.store import get_main_successor, get_manager_or_head_of_sales
from services.offboarding.cases.store import get_visible_case, insert_timeline_entry
from services.offboarding.documents import rules, store
from services.offboarding.documents.rules import Document, NewDocument
from services.offboarding.permissions.handlers import lock_participants
from services.offboarding.permissions.rules import Viewer
from services.offboarding.permissions.store import is_head_of_case
from shared.database import UnitOfWork
from shared.errors import Forbidden, IdTaken, NotFound
from shared.paging import Paging
from shared.people.rules import require_may_be_given_work
from shared.people.store import lock_people


async def list_documents(work: UnitOfWork, viewer: Viewer, paging: Paging, case_id: str) -> list[Document]:
    """A page of the inventory. Raises `NotFound`."""
    await get_visible_case(work, viewer, case_id)
    return await store.list_documents(work, viewer, paging, case_id)


async def add_document(work: UnitOfWork, viewer: Viewer, case_id: str, new_document: NewDocument) -> Document:
    """Puts a document into the inventory. Raises `NotFound`, `Forbidden`, `CaseClosed`, `IdTaken`."""
    record = await get_visible_case(work, viewer, case_id)
    is_own = record.employee_id == viewer.sub
    if not is_own and "hr" not in viewer.roles and not await is_head_of_case(work, viewer, case_id):
        raise Forbidden
    await lock_participants(work, may_caller_be_frozen=True)
    if not record.is_open:
        raise rules.CaseClosed
    document = Document(
        **vars(new_document),
        case_id=case_id,
        leaver_id=record.employee_id,
        status="listed",
        listed_by=work.actor,
        listed_at=work.now,
    )
    if await store.insert_document(work, document):
        return document
    existing = await store.lock_document(work, document.id)
    if any(getattr(existing, name) != value for name, value in {**vars(new_document), "case_id": case_id}.items()):
        raise IdTaken
    return existing


async def hand_over_document(work: UnitOfWork, viewer: Viewer, document_id: str, receiver_id: str | None) -> Document:
    """The leaver (or the head of sales for them) gives it to `receiver_id`, else to the successor, else to the manager.

    Raises `UnknownEmployee`, `NotEmployed`, `Frozen` where the receiver could not take it.
    """
    receivers = await lock_people(work, for_share=[receiver_id])
    document, is_head = await _lock_document(work, viewer, document_id)
    if not is_head and viewer.sub != document.leaver_id:
        raise Forbidden
    if document.status != "listed":
        return document
    if receiver_id is not None:
        require_may_be_given_work(receivers, receiver_id)
    else:
        receiver_id = await get_main_successor(work, document.case_id) or await get_manager_or_head_of_sales(
            work, document.leaver_id
        )
    handed_over = replace(document, status="handed_over", receiver_id=receiver_id, handed_over_at=work.now)
    await store.update_document(work, handed_over)
    return handed_over


async def receive_document(work: UnitOfWork, viewer: Viewer, document_id: str) -> Document:
    """The receiver signs. Raises `NotHandedOver`; nobody signs for their own documents."""
    document, is_head = await _lock_document(work, viewer, document_id)
    if viewer.sub == document.leaver_id or (not is_head and viewer.sub != document.receiver_id):
        raise Forbidden
    received = rules.receive_document(document, work.actor, work.now)
    if received is not document:
        await store.update_document(work, received)
        await insert_timeline_entry(work, document.case_id, "document_received", "hand_over", document_id=document_id)
    return received


async def _lock_document(work: UnitOfWork, viewer: Viewer, document_id: str) -> tuple[Document, bool]:
    """The document, for who has to do with it, and whether the caller is head of sales of its case. Raises `NotFound`."""
    await lock_participants(work, may_caller_be_frozen=True)
    document = await store.lock_document(work, document_id)
    is_head = await is_head_of_case(work, viewer, document.case_id)
    if not is_head and viewer.sub not in (document.leaver_id, document.receiver_id):
        raise NotFound
    return document, is_head
