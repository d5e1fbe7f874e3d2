"""Visits, and what came of them. Why one is due may tell what the leaver used: whoever is shown that has looked at it."""

from collections.abc import Iterable, Sequence

from services.offboarding.cases.journal import journal_decision
from services.offboarding.cases.store import insert_timeline_entry
from services.offboarding.permissions.handlers import lock_participants
from services.offboarding.permissions.rules import Row, Viewer
from services.offboarding.permissions.store import is_head_of_case
from services.offboarding.risks.rules import REASONS_ABOUT_USAGE
from services.offboarding.visits import store
from shared.contracts.clients import JournalEntry
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused
from shared.paging import Paging


class VisitClosed(Refused, code="visit_over"):
    """This visit has another outcome already, or was called off."""


async def list_visits(
    work: UnitOfWork, viewer: Viewer, paging: Paging, assignee_id: str | None, case_id: str | None
) -> Sequence[Row]:
    """A page of visits."""
    rows = await store.list_visits(work, viewer, paging, assignee_id, case_id)
    _journal_looks(work, rows[: paging.limit])
    return rows


def _journal_looks(work: UnitOfWork, visits: Iterable[Row]) -> None:
    looked_at = {visit["leaver_id"] for visit in visits if not REASONS_ABOUT_USAGE.isdisjoint(visit["why"])}
    work.publish(
        *(
            JournalEntry(kind="exposure.read", actor_id=work.actor, employee_id=leaver, details={"by": "visits"})
            for leaver in sorted(looked_at)
        )
    )


async def record_visit_outcome(work: UnitOfWork, viewer: Viewer, visit_id: str, outcome: str, note: str | None) -> Row:
    """Raises `NotFound`, `Forbidden`, `VisitOver`. The same again gives the same answer."""
    await lock_participants(work)
    visit = await work.fetch_row(
        """
        SELECT v.*, c.employee_id AS leaver_id FROM visits v JOIN cases c ON c.id = v.case_id WHERE v.id = :id
        FOR UPDATE OF v
        """,
        id=visit_id,
    )
    if visit is None or not (
        visit["assignee_id"] == viewer.sub or await is_head_of_case(work, viewer, visit["case_id"])
    ):
        raise NotFound
    _journal_looks(work, [visit])
    if visit["status"] == "done" and visit["outcome"] == outcome:
        return visit
    if visit["status"] != "open":
        raise VisitClosed
    await work.execute(
        """
        UPDATE visits SET status = 'done', outcome = :outcome, note = :note, closed_at = :now, closed_by = :actor
        WHERE id = :id
        """,
        id=visit_id,
        outcome=outcome,
        note=note,
        now=work.now,
        actor=work.actor,
    )
    case = await work.fetch_row("SELECT * FROM cases WHERE id = :id", id=visit["case_id"])
    if case is not None:
        journal_decision(work, case, "visit_made", visit_id=visit_id, outcome=outcome)
    await insert_timeline_entry(work, visit["case_id"], "visit_made", visit_id=visit_id, outcome=outcome)
    changed = await work.fetch_row("SELECT * FROM visits WHERE id = :id", id=visit_id)
    return changed or visit
