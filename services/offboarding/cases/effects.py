"""What follows for the open work of a case when its leaver goes, when it is cleared and when it is undone."""

from services.offboarding.cases import store
from services.offboarding.cases.rules import CaseRecord
from services.offboarding.introductions.lifecycle import cancel_introductions, replace_introductions_by_visits
from services.offboarding.jobs.store import cancel_jobs
from services.offboarding.plans.store import withdraw_proposed_plans
from services.offboarding.saga import Case
from services.offboarding.tasks.lifecycle import cancel_tasks, hand_leavers_tasks_to_manager
from services.offboarding.visits.lifecycle import cancel_visits
from shared.contracts.offboarding import OffboardingCleared
from shared.database import UnitOfWork
from shared.journal import publish_journal_entry
from shared.people.handlers import end_freeze_ground


async def reassign_leavers_open_work(work: UnitOfWork, record: CaseRecord) -> None:
    """The last day ends only the leaver's part: their tasks go to their manager, introductions become visits."""
    await store.insert_timeline_entry(work, record.id, "last_day_over")
    await hand_leavers_tasks_to_manager(work, record)
    await replace_introductions_by_visits(work, record)


async def save_figures_and_announce_cleared(work: UnitOfWork, record: CaseRecord) -> None:
    """The case is cleared: saves what came of the handover and tells the others."""
    figures = await store.compute_and_save_figures(work, record.id)
    work.publish(OffboardingCleared(case_id=record.id, employee_id=record.employee_id, **figures))
    publish_journal_entry(work, "case_cleared", employee_id=record.employee_id, case_id=record.id)


async def cancel_open_work(work: UnitOfWork, record: CaseRecord) -> None:
    """Nobody need do anything for this handover any more; what was proven or confirmed stays on record."""
    await cancel_tasks(work, record.id)
    await cancel_visits(work, record.id)
    await cancel_jobs(work, record.id)
    await withdraw_proposed_plans(work, record.id)
    await cancel_introductions(work, record.id)
    await store.insert_timeline_entry(work, record.id, "undo_begun")


async def lift_freeze_in_own_copy(work: UnitOfWork, record: CaseRecord, case: Case) -> None:
    """Both services have taken the departure's ground away; our own copy follows."""
    await end_freeze_ground(work, record.employee_id, record.employment_id, "departure", record.ref)
    await store.insert_timeline_entry(work, record.id, "undo_over")
    kind = "case_cancelled" if case.status == "cancelled" else "freeze_lifted"
    publish_journal_entry(work, kind, employee_id=record.employee_id, case_id=record.id)
