"""Changes of responsibility, for the journal that `clients` keeps."""

from shared.contracts.clients import JournalEntry
from shared.database import UnitOfWork


def note(
    work: UnitOfWork,
    kind: str,
    employee_id: str | None = None,
    client_id: str | None = None,
    **details: str | int | bool | None,
) -> None:
    work.publish(
        JournalEntry(kind=kind, actor_id=work.actor, employee_id=employee_id, client_id=client_id, details=details)
    )
