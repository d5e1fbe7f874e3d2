"""Decisions about a case, for the journal."""

from services.offboarding.permissions.rules import Row
from shared.contracts.clients import JournalEntry
from shared.database import UnitOfWork


def journal_decision(work: UnitOfWork, row: Row, kind: str, **details: str | int | bool | None) -> None:
    """A decision about the case, for the journal."""
    work.publish(
        JournalEntry(
            kind=kind, actor_id=work.actor, employee_id=row["employee_id"], details={"case_id": row["id"], **details}
        )
    )
