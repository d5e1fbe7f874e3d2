"""What the copy of the register, and every service that keeps one, does when `staff` erases who somebody was."""

from collections.abc import Mapping

from shared.contracts.clients import ErasureDone, JournalEntry
from shared.database import UnitOfWork


async def forget_reasons(work: UnitOfWork, employee_id: str) -> int:
    """Empties why this person was frozen, and why they froze others; `withdrawn` is a word of ours. How many."""
    return await work.execute(
        """
        UPDATE grounds SET reason = NULL
        WHERE :id IN (employee_id, by_id) AND reason IS NOT NULL AND reason <> 'withdrawn'
        """,
        id=employee_id,
    )


def tell_erased(work: UnitOfWork, employee_id: str, what: Mapping[str, int]) -> None:
    """To `staff`, for the act; and to the journal, which must not learn again whom it was about."""
    details: dict[str, str | int | bool | None] = {"service": work.service, **what}
    work.publish(
        ErasureDone(employee_id=employee_id, what=dict(what)),
        JournalEntry(kind="employee.erased", actor_id=work.actor, details=details),
    )
