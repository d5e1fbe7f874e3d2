"""What came of a visit."""

from collections.abc import Mapping
from typing import Any

from services.offboarding.handlers.ending import decided
from services.offboarding.store import cases
from services.offboarding.store.seeing import Viewer, hold, leads
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused

Row = Mapping[str, Any]


class VisitOver(Refused):
    """This visit has another outcome already, or was called off."""


async def record_outcome(work: UnitOfWork, viewer: Viewer, visit_id: str, outcome: str, note: str | None) -> Row:
    """Raises `NotFound`, `Forbidden`, `VisitOver`. The same again gives the same answer."""
    await hold(work)
    visit = await work.row("SELECT * FROM visits WHERE id = :id FOR UPDATE", id=visit_id)
    if visit is None or not (visit["assignee_id"] == viewer.sub or await leads(work, viewer, visit["case_id"])):
        raise NotFound
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
    case = await work.row("SELECT * FROM cases WHERE id = :id", id=visit["case_id"])
    if case is not None:
        decided(work, case, "visit_made", visit_id=visit_id, outcome=outcome)
    await cases.note(work, visit["case_id"], "visit_made", visit_id=visit_id, outcome=outcome)
    changed = await work.row("SELECT * FROM visits WHERE id = :id", id=visit_id)
    return changed or visit
