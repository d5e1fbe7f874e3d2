"""What a case does with its introductions: proposes them, ends them, gives them to others. Nothing here moves the case."""

from collections.abc import Sequence
from dataclasses import replace

from services.offboarding.assignees.handlers import lock_caretaker
from services.offboarding.cases.rules import CaseRecord
from services.offboarding.introductions import rules, store
from services.offboarding.introductions.rules import Introduction
from services.offboarding.moves.rules import Chunk
from services.offboarding.moves.store import list_moved_clients
from services.offboarding.risks.store import count_risks
from services.offboarding.saga import Case
from services.offboarding.visits.lifecycle import open_visits
from services.offboarding.visits.rules import ClientToVisit
from shared.calendar import Calendar
from shared.database import UnitOfWork


async def propose_introductions_or_visits(work: UnitOfWork, record: CaseRecord, case: Case, chunk: Chunk) -> None:
    """An introduction for each client of the chunk that has moved and is not closed; a visit, where the last day is over."""
    clients = await list_moved_clients(work, chunk)
    if not clients:
        return
    if case.last_day_over:
        await _open_visits_instead(
            work, record, [ClientToVisit(one.client_id, one.rank, ("not_introduced",)) for one in clients]
        )
        return
    calendar = Calendar(work.settings.holidays)
    latest = max(calendar.add_working_days(record.last_day, -1), work.today)
    due_days = {
        form: min(calendar.add_working_days(work.today, days), latest) for form, days in rules.DAYS_UNTIL_DUE.items()
    }
    ranked = await count_risks(work, record.id)
    forms = [rules.choose_introduction_form(client.rank, ranked) if client.rank else "letter" for client in clients]
    opened = await store.insert_introductions(
        work, record.id, record.employee_id, list(zip(clients, forms, strict=True)), due_days
    )
    work.publish(*map(rules.make_introduction_changed, opened))


async def replace_introductions_by_visits(work: UnitOfWork, record: CaseRecord) -> None:
    """The last day is over: what the leaver has not introduced is visited, the client at the greatest risk first."""
    ended = [
        replace(introduction, status="refused", by="leaver", reason="last_day_over", changed_at=work.now)
        for introduction in await store.lock_open_introductions(work, [record.id])
    ]
    await _save(work, ended)
    by_risk = sorted(ended, key=lambda introduction: (introduction.rank or len(ended), introduction.client_id))
    await _open_visits_instead(
        work, record, [ClientToVisit(one.client_id, one.rank, ("not_introduced",)) for one in by_risk]
    )


async def _open_visits_instead(work: UnitOfWork, record: CaseRecord, clients: Sequence[ClientToVisit]) -> None:
    caretaker_id = await lock_caretaker(work, record.employee_id)
    await open_visits(work, record, clients, caretaker_id, days_until_first=work.settings.visit_days)


async def cancel_introductions(work: UnitOfWork, case_id: str) -> None:
    introductions = await store.lock_open_introductions(work, [case_id])
    await _save(work, [replace(one, status="cancelled", changed_at=work.now) for one in introductions])


async def hand_introductions_on(work: UnitOfWork, successor_id: str, to_id: str) -> None:
    """A successor leaves too, and somebody else is to be introduced in the cases of others, from the beginning."""
    introductions = await store.lock_open_introductions_of_successor(work, successor_id)
    await _save(work, [replace(one, to_id=to_id, status="proposed", brief=None) for one in introductions])


async def shorten_due_days(work: UnitOfWork, record: CaseRecord) -> None:
    """No introduction is due after the last day, as it is now."""
    latest = max(record.last_day, work.today)
    introductions = await store.lock_open_introductions(work, [record.id])
    await _save(work, [replace(one, due_on=latest) for one in introductions if one.due_on > latest])


async def _save(work: UnitOfWork, introductions: Sequence[Introduction]) -> None:
    await store.update_introductions(work, introductions)
    work.publish(*map(rules.make_introduction_changed, introductions))
