"""The inventory of documents of cases."""

from collections.abc import Sequence

from services.offboarding.documents.rules import Document
from services.offboarding.permissions.rules import Viewer, require_found
from services.offboarding.permissions.store import IS_HEAD, list_page
from shared.database import UnitOfWork
from shared.paging import Paging
from shared.people.rules import ERASED_TEXT

SELECT_DOCUMENT = "SELECT d.*, c.employee_id AS leaver_id FROM documents d JOIN cases c ON c.id = d.case_id"


async def list_documents(work: UnitOfWork, viewer: Viewer, paging: Paging, case_id: str) -> list[Document]:
    """A page of a case for the leaver, those who receive something, the head of sales, a director or hr."""
    return await list_page(
        work,
        viewer,
        Document,
        f"""
        {SELECT_DOCUMENT}
        WHERE d.case_id = :case_id AND (:all OR {IS_HEAD} OR c.employee_id = :actor OR d.receiver_id = :actor AND NOT :frozen)
        AND (CAST(:after AS text) IS NULL OR d.id > :after) ORDER BY d.id LIMIT :fetch
        """,
        paging,
        case_id=case_id,
    )


async def lock_document(work: UnitOfWork, document_id: str) -> Document:
    """Raises `NotFound`."""
    return require_found(
        await work.fetch_one(Document, f"{SELECT_DOCUMENT} WHERE d.id = :id FOR UPDATE OF d", id=document_id)
    )


async def exists_unreceived_document(work: UnitOfWork, case_id: str) -> bool:
    return bool(
        await work.fetch_value(
            "SELECT 1 FROM documents WHERE case_id = :id AND status <> 'received' LIMIT 1", id=case_id
        )
    )


async def insert_document(work: UnitOfWork, document: Document) -> bool:
    """False where the id is taken."""
    inserted = await work.execute(
        """
        INSERT INTO documents (id, case_id, title, kind, location, client_id, status, listed_by, listed_at)
        VALUES (:id, :case_id, :title, :kind, :location, :client_id, :status, :listed_by, :listed_at)
        ON CONFLICT (id) DO NOTHING
        """,
        **vars(document),
    )
    return bool(inserted)


async def update_document(work: UnitOfWork, document: Document) -> None:
    """Writes what may change of a document."""
    await work.execute(
        """
        UPDATE documents SET status = :status, receiver_id = :receiver_id, handed_over_at = :handed_over_at,
               received_at = :received_at, received_by = :received_by WHERE id = :id
        """,
        **vars(document),
    )


async def replace_receiver(work: UnitOfWork, receiver_id: str, to_id: str) -> None:
    """What waits for this receiver's signature waits for another's."""
    await work.execute(
        "UPDATE documents SET receiver_id = :to_id WHERE receiver_id = :receiver_id AND status = 'handed_over'",
        to_id=to_id,
        receiver_id=receiver_id,
    )


async def erase_document_texts(
    work: UnitOfWork, case_ids: Sequence[str] = (), listed_by: str | None = None, client_ids: Sequence[str] = ()
) -> int:
    """What the documents of these cases, by this person or about these clients are. How many."""
    return await work.execute(
        """
        UPDATE documents SET title = :erased, location = :erased, kind = :erased
        WHERE (case_id = ANY(:cases) OR listed_by = CAST(:listed_by AS text) OR client_id = ANY(:clients))
              AND title <> :erased
        """,
        erased=ERASED_TEXT,
        cases=list(case_ids),
        listed_by=listed_by,
        clients=list(client_ids),
    )
