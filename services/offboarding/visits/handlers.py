"""Visits, and what came of them. Why one is due may tell what the leaver used: whoever is shown that has looked at it."""

from collections.abc import Iterable

from services.offboarding.cases.store import insert_timeline_entry
from services.offboarding.permissions.handlers import lock_participants
from services.offboarding.permissions.rules import Viewer
from services.offboarding.permissions.store import is_head_of_case
from services.offboarding.risks.rules import REASONS_ABOUT_USAGE
from services.offboarding.visits import rules, store
from services.offboarding.visits.rules import Visit
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.journal import publish_journal_entry
from shared.paging import Paging


async def list_visits(
    work: UnitOfWork, viewer: Viewer, paging: Paging, assignee_id: str | None, case_id: str | None
) -> list[Visit]:
    """A page of visits."""
    visits = await store.list_visits(work, viewer, paging, assignee_id, case_id)
    _journal_looks(work, visits[: paging.limit])
    return visits


def _journal_looks(work: UnitOfWork, visits: Iterable[Visit]) -> None:
    leaver_ids = {visit.leaver_id for visit in visits if not REASONS_ABOUT_USAGE.isdisjoint(visit.why)}
    for leaver_id in sorted(leaver_ids):
        publish_journal_entry(work, "exposure.read", employee_id=leaver_id, by="visits")


async def record_visit_outcome(
    work: UnitOfWork, viewer: Viewer, visit_id: str, outcome: rules.Outcome, note: str | None
) -> Visit:
    """Raises `NotFound`, `Forbidden`, `VisitClosed`. The same again gives the same answer."""
    await lock_participants(work)
    before = await store.lock_visit(work, visit_id)
    if before.assignee_id != viewer.sub and not await is_head_of_case(work, viewer, before.case_id):
        raise NotFound
    _journal_looks(work, [before])
    visit = rules.record_outcome(before, outcome, note, work.actor, work.now)
    if visit is not before:
        await store.update_visits(work, [visit])
        publish_journal_entry(
            work, "visit_made", employee_id=visit.leaver_id, case_id=visit.case_id, visit_id=visit_id, outcome=outcome
        )
        await insert_timeline_entry(work, visit.case_id, "visit_made", visit_id=visit_id, outcome=outcome)
    return visit
