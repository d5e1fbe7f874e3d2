"""Who of us knows one client, and how well; what was recorded of it. Each look is a decision."""

from datetime import UTC, datetime

from services.clients.access.handlers import lock_client_and_require_access, require_access
from services.clients.names.handlers import with_resolved_client_id
from services.clients.names.store import list_erased_employees
from services.clients.register.handlers import ClientAlreadyErased
from services.clients.relationships import rules, store
from shared.database import UnitOfWork
from shared.errors import IdTaken
from shared.ids import uuid7
from shared.paging import Paging, UnknownCursor
from shared.people.rules import UnknownEmployee
from shared.people.store import lock_people


@with_resolved_client_id
async def read_client_knowledge(work: UnitOfWork, client_id: str, roles: frozenset[str]) -> rules.ClientKnowledgeShown:
    """As of now. Raises a `JournaledRefusal`."""
    await require_access(work, client_id, "read", roles)
    return await store.get_client_knowledge(work, client_id)


@with_resolved_client_id
async def list_interactions_or_feedback(
    work: UnitOfWork, client_id: str, roles: frozenset[str], paging: Paging, record_type: type[store.Record]
) -> list[store.Record]:
    """A page of interactions or feedback, newest first. Raises a `JournaledRefusal`, `UnknownCursor`."""
    after = _parse_cursor(paging)
    await require_access(work, client_id, "read", roles)
    return await store.list_interactions_or_feedback(work, record_type, client_id, after, paging.fetch)


def _parse_cursor(paging: Paging) -> tuple[datetime, str] | None:
    if paging.after is None:
        return None
    try:
        moment, id = paging.after
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise UnknownCursor
        return at.astimezone(UTC), id
    except (ValueError, OverflowError):
        raise UnknownCursor from None


@with_resolved_client_id
async def record_interaction(
    work: UnitOfWork,
    client_id: str,
    roles: frozenset[str],
    id: str | None,
    employee_id: str,
    kind: str,
    at: datetime,
    summary: str | None,
) -> rules.Interaction:
    """Records who met whom. Raises a `JournaledRefusal`, `IdTaken`, `UnknownEmployee`, `ClientAlreadyErased`."""
    people = await lock_people(work, for_share=[employee_id, work.actor])
    client = await lock_client_and_require_access(work, client_id, "contact", roles)
    if employee_id not in people:
        raise UnknownEmployee
    if client.is_erased or await list_erased_employees(work, [employee_id]):
        raise ClientAlreadyErased
    interaction = rules.Interaction(id or uuid7(), client_id, employee_id, kind, at, summary)
    recorded = await store.insert_interaction(work, interaction)
    if recorded is None:
        raise IdTaken
    return recorded


@with_resolved_client_id
async def record_feedback(
    work: UnitOfWork,
    client_id: str,
    roles: frozenset[str],
    id: str | None,
    score: int,
    note: str | None,
    at: datetime | None,
) -> rules.Feedback:
    """Records what the client says of us. Raises a `JournaledRefusal`, `IdTaken`, `ClientAlreadyErased`."""
    await lock_people(work, for_share=[work.actor])
    client = await lock_client_and_require_access(work, client_id, "contact", roles)
    if client.is_erased:
        raise ClientAlreadyErased
    recorded = await store.insert_feedback(work, client_id, id or uuid7(), score, note, at)
    if recorded is None:
        raise IdTaken
    return recorded
