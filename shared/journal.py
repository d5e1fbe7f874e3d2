"""Entries of other services for the journal that `clients` keeps."""

from shared.contracts.clients import JournalEntry
from shared.database import UnitOfWork


def publish_journal_entry(
    work: UnitOfWork,
    kind: str,
    employee_id: str | None = None,
    client_id: str | None = None,
    **details: str | int | bool | None,
) -> None:
    """Sends an entry about an employee, a client or both, in the transaction of what it tells of."""
    work.publish(
        JournalEntry(kind=kind, actor_id=work.actor, employee_id=employee_id, client_id=client_id, details=details)
    )
