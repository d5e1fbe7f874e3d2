"""Visits, and what came of them. Why one is due may tell what the leaver used: whoever is shown that has looked at it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.offboarding.domain.risk import USED
from services.offboarding.handlers.ending import decided
from services.offboarding.store import cases, lists
from services.offboarding.store.seeing import Viewer, hold, leads
from shared.contracts.clients import JournalEntry
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused
from shared.paging import Paging

Row = Mapping[str, Any]


class VisitOver(Refused, code="visit_over"):
    """This visit has another outcome already, or was called off."""


async def some(
    work: UnitOfWork, viewer: Viewer, paging: Paging, assignee_id: str | None, case_id: str | None
) -> Sequence[Row]:
    """A page of visits."""
    rows = await lists.visits(work, viewer, paging, assignee_id, case_id)
    _note_looks(work, rows[: paging.limit])
    return rows


def _note_looks(work: UnitOfWork, visits: Iterable[Row]) -> None:
    looked_at = {visit["leaver_id"] for visit in visits if not USED.isdisjoint(visit["why"])}
    work.publish(
        *(
            JournalEntry(kind="exposure.read", actor_id=work.actor, employee_id=leaver, details={"by": "visits"})
            for leaver in sorted(looked_at)
        )
    )


async def record_outcome(work: UnitOfWork, viewer: Viewer, visit_id: str, outcome: str, note: str | None) -> Row:
    """Raises `NotFound`, `Forbidden`, `VisitOver`. The same again gives the same answer."""
    await hold(work)
    visit = await work.fetch_row(
        """
        SELECT v.*, c.employee_id AS leaver_id FROM visits v JOIN cases c ON c.id = v.case_id WHERE v.id = :id
        FOR UPDATE OF v
        """,
        id=visit_id,
    )
    if visit is None or not (visit["assignee_id"] == viewer.sub or await leads(work, viewer, visit["case_id"])):
        raise NotFound
    _note_looks(work, [visit])
    if visit["status"] == "done" and visit["outcome"] == outcome:
        return visit
    if visit["status"] != "open":
        raise VisitOver
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
        decided(work, case, "visit_made", visit_id=visit_id, outcome=outcome)
    await cases.note(work, visit["case_id"], "visit_made", visit_id=visit_id, outcome=outcome)
    changed = await work.fetch_row("SELECT * FROM visits WHERE id = :id", id=visit_id)
    return changed or visit
