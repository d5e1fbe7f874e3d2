"""What follows for the open work of a case when its leaver goes, when it is cleared and when it is undone."""

import json

from services.offboarding.assignees.handlers import choose_caretaker, lock_chosen_assignee
from services.offboarding.assignees.store import get_manager
from services.offboarding.cases import journal, store
from services.offboarding.introductions.lifecycle import make_introduction_changed
from services.offboarding.introductions.rules import OPEN_STATUSES
from services.offboarding.permissions.rules import Row
from services.offboarding.saga import Case, Reply
from services.offboarding.tasks.lifecycle import make_task_event
from services.offboarding.visits.lifecycle import open_visits
from shared.contracts.offboarding import OffboardingCleared, TaskOpened
from shared.database import UnitOfWork
from shared.people.freezes import unfreeze_employee


async def end_leavers_part(work: UnitOfWork, row: Row, case: Case) -> list[Reply]:
    """The last day ends only the leaver's part: their tasks go to their manager, introductions become visits."""
    manager = await lock_chosen_assignee(work, lambda: get_manager(work, row["employee_id"]))
    handed = await work.fetch_rows(
        """
        UPDATE tasks SET assignee_id = :manager, reminded = '' WHERE case_id = :case_id AND status = 'open'
        AND assignee_id = :leaver RETURNING id, kind, assignee_id, due_on
        """,
        manager=manager,
        case_id=case.id,
        leaver=row["employee_id"],
    )
    work.publish(*(make_task_event(TaskOpened, row, task) for task in handed))
    ended = await work.fetch_rows(
        """
        UPDATE introductions SET status = 'refused', by = 'leaver', reason = 'last_day_over', changed_at = :now
        WHERE case_id = :case_id AND status = ANY(:open) RETURNING *
        """,
        case_id=case.id,
        open=list(OPEN_STATUSES),
        now=work.now,
    )
    work.publish(*(make_introduction_changed(row, introduction) for introduction in ended))
    clients = [
        {"client_id": one["client_id"], "rank": one["rank"], "why": ["not_introduced"]}
        for one in sorted(ended, key=lambda one: (one["rank"] or len(ended), one["client_id"]))
    ]
    await open_visits(work, row, clients, await choose_caretaker(work, row), first=work.settings.visit_days)
    return [Reply(f"{case.id}/hand_over/introductions")] if case.is_over("transfer") else []


async def close_handover(work: UnitOfWork, row: Row, case: Case) -> None:
    """Closes the handover and says what came of it."""
    figures = await work.fetch_row(
        """
        SELECT (SELECT count(DISTINCT client_id) FROM moves WHERE case_id = :id AND outcome = 'done'
                AND part IN ('client', 'left_client')) AS clients,
               (SELECT count(*) FROM (
                   SELECT client_id FROM introductions WHERE case_id = :id AND status = 'confirmed'
                   UNION SELECT client_id FROM visits WHERE case_id = :id AND outcome = 'kept') k) AS kept,
               (SELECT count(*) FROM visits WHERE case_id = :id AND status = 'open') AS visits,
               (SELECT count(*) FROM case_items WHERE case_id = :id AND status = 'waived') AS waived
        """,
        id=case.id,
    )
    told = dict(figures or {})
    await work.execute(
        "UPDATE cases SET figures = CAST(:figures AS jsonb) WHERE id = :id", id=case.id, figures=json.dumps(told)
    )
    work.publish(OffboardingCleared(case_id=case.id, employee_id=row["employee_id"], **told))
    journal.journal_decision(work, row, "case_cleared")


async def cancel_open_work(work: UnitOfWork, row: Row, case: Case) -> None:
    """Nobody need do anything for this handover any more; what was proven or confirmed stays on record."""
    for table in ("tasks", "visits"):
        await work.execute(
            f"""
            UPDATE {table} SET status = 'cancelled', closed_at = :now, closed_by = :actor
            WHERE case_id = :id AND status = 'open'
            """,
            id=case.id,
            now=work.now,
            actor=work.actor,
        )
    await work.execute(
        "UPDATE jobs SET status = 'cancelled' WHERE case_id = :id AND status IN ('queued', 'running')", id=case.id
    )
    await work.execute("UPDATE plans SET status = 'withdrawn' WHERE case_id = :id AND status = 'proposed'", id=case.id)
    ended = await work.fetch_rows(
        """
        UPDATE introductions SET status = 'cancelled', changed_at = :now
        WHERE case_id = :id AND status = ANY(:open) RETURNING *
        """,
        id=case.id,
        open=list(OPEN_STATUSES),
        now=work.now,
    )
    work.publish(*(make_introduction_changed(row, introduction) for introduction in ended))
    await store.insert_timeline_entry(work, case.id, "undo_begun")


async def lift_freeze(work: UnitOfWork, row: Row, case: Case) -> None:
    """Both services have taken the departure's ground away; our own copy follows."""
    await unfreeze_employee(work, row["employee_id"], row["employment_id"], "departure", row["ref"])
    await store.insert_timeline_entry(work, case.id, "undo_over")
    journal.journal_decision(work, row, "case_cancelled" if case.status == "cancelled" else "freeze_lifted")
