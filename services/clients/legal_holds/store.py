"""The legal holds that are in force."""

from dataclasses import asdict, dataclass
from datetime import datetime

from shared.database import UnitOfWork
from shared.paging import Paging


@dataclass(frozen=True, slots=True)
class LegalHold:
    """That what the journal knows of somebody is kept."""

    employee_id: str
    reason: str
    by_id: str
    at: datetime


async def insert_legal_hold(work: UnitOfWork, hold: LegalHold) -> None:
    """There is none yet; the person was locked before."""
    await work.execute(
        "INSERT INTO journal_holds (employee_id, reason, by_id, at) VALUES (:employee_id, :reason, :by_id, :at)",
        **asdict(hold),
    )


async def delete_legal_hold(work: UnitOfWork, employee_id: str) -> bool:
    """Whether there was one."""
    return await work.execute("DELETE FROM journal_holds WHERE employee_id = :id", id=employee_id) > 0


async def get_legal_hold(work: UnitOfWork, employee_id: str) -> LegalHold | None:
    return await work.fetch_one(
        LegalHold, "SELECT employee_id, reason, by_id, at FROM journal_holds WHERE employee_id = :id", id=employee_id
    )


async def list_legal_holds(work: UnitOfWork, paging: Paging) -> list[LegalHold]:
    """By employee id."""
    return await work.fetch_all(
        LegalHold,
        """
        SELECT employee_id, reason, by_id, at FROM journal_holds WHERE employee_id > :after
        ORDER BY employee_id LIMIT :fetch
        """,
        **paging.bounds,
    )


async def lock_legal_holds(work: UnitOfWork) -> None:
    """None is placed or released until this transaction ends; those that were under way are seen from here on."""
    await work.execute("LOCK TABLE journal_holds IN SHARE MODE")
