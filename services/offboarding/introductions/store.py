"""The introductions of cases."""

from collections.abc import Sequence

from services.offboarding.permissions.rules import Row, Viewer
from services.offboarding.permissions.store import IS_HEAD, list_page
from shared.contracts.clients import CommandAnswered
from shared.database import UnitOfWork
from shared.paging import Paging

# A brief says what the client is like: it is for those who serve the client, not for hr.
LIST_INTRODUCTIONS_SQL = f"""
    SELECT i.id, i.case_id, i.client_id, i.from_id, i.to_id, i.form, i.status, i.due_on, i.rank, i.by, i.pass_id,
           i.pass_status, i.changed_at, CASE WHEN i.to_id = :actor OR i.from_id = :actor OR {IS_HEAD} OR :director THEN i.brief END
           AS brief, CASE WHEN i.to_id = :actor OR i.from_id = :actor OR {IS_HEAD} OR :director THEN i.reason END AS reason, i.how
    FROM introductions i JOIN cases c ON c.id = i.case_id
    WHERE i.case_id = :case_id AND (:all OR {IS_HEAD} OR i.from_id = :actor OR i.to_id = :actor AND NOT :frozen)
    AND (CAST(:after AS text) IS NULL OR i.id > :after) ORDER BY i.id LIMIT :fetch
"""


async def list_introductions(work: UnitOfWork, viewer: Viewer, paging: Paging, case_id: str) -> Sequence[Row]:
    return await list_page(work, viewer, LIST_INTRODUCTIONS_SQL, paging, case_id=case_id)


async def exists_open_introduction(work: UnitOfWork, case_id: str) -> bool:
    left: bool = await work.fetch_value(
        """
        SELECT EXISTS (SELECT 1 FROM introductions WHERE case_id = :case_id
                       AND status IN ('proposed', 'accepted', 'briefed', 'introduced'))
        """,
        case_id=case_id,
    )
    return left


async def update_pass_status(work: UnitOfWork, answer: CommandAnswered) -> None:
    refused = answer.outcome != "done" or any(result.outcome != "done" for result in answer.results)
    await work.execute(
        "UPDATE introductions SET pass_status = :status WHERE case_id = :case_id AND pass_id = :id",
        status="refused" if refused else "granted",
        case_id=answer.case_id,
        id=answer.command_id.rpartition("/pass-")[2],
    )
