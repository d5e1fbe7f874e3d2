"""The inventory of documents of cases."""

from collections.abc import Sequence

from services.offboarding.permissions.rules import Row, Viewer
from services.offboarding.permissions.store import IS_HEAD, list_page
from shared.database import UnitOfWork
from shared.paging import Paging

LIST_DOCUMENTS_SQL = f"""
    SELECT d.* FROM documents d JOIN cases c ON c.id = d.case_id
    WHERE d.case_id = :case_id AND (:all OR {IS_HEAD} OR c.employee_id = :actor OR d.receiver_id = :actor AND NOT :frozen)
    AND (CAST(:after AS text) IS NULL OR d.id > :after) ORDER BY d.id LIMIT :fetch
"""


async def list_documents(work: UnitOfWork, viewer: Viewer, paging: Paging, case_id: str) -> Sequence[Row]:
    return await list_page(work, viewer, LIST_DOCUMENTS_SQL, paging, case_id=case_id)
