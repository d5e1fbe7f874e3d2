"""Entries of other services for the journal that `clients` keeps."""

from collections.abc import Mapping

from shared.contracts.clients import ErasureDone, JournalEntry
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


def publish_erasure(work: UnitOfWork, employee_id: str, erased_counts: Mapping[str, int]) -> None:
    """To `staff`, for the act; and to the journal, which must not learn again whom it was about."""
    work.publish(ErasureDone(employee_id=employee_id, what=dict(erased_counts)))
    publish_journal_entry(work, "employee.erased", None, None, service=work.service, **erased_counts)
