"""What a case does with its visits: opens them, gives them to others, calls them off. Nothing here moves the case."""

from collections.abc import Sequence
from dataclasses import replace

from services.offboarding.cases.rules import CaseRecord
from services.offboarding.cases.store import insert_timeline_entry
from services.offboarding.moves.rules import Chunk
from services.offboarding.moves.store import list_remainder_clients
from services.offboarding.visits import rules, store
from services.offboarding.visits.rules import ClientToVisit
from shared.calendar import Calendar
from shared.database import UnitOfWork


async def open_visits(
    work: UnitOfWork,
    record: CaseRecord,
    clients: Sequence[ClientToVisit],
    assignee_id: str | None,
    days_until_first: int = 1,
) -> None:
    """A visit to each client that has none open, so many a day as people can make, from so many working days on."""
    per_day = work.settings.visits_per_day
    days_until_first += await store.count_open_visits(work, assignee_id) // per_day
    due_days = rules.spread_over_working_days(
        work.today, days_until_first, len(clients), per_day, Calendar(work.settings.holidays)
    )
    opened = await store.insert_visits(work, record.id, assignee_id, clients, due_days)
    work.publish(*map(rules.make_visit_opened, opened))
    if opened:
        await insert_timeline_entry(work, record.id, "visits_opened", number=len(opened))


async def open_visits_to_remainder(work: UnitOfWork, record: CaseRecord, chunk: Chunk) -> None:
    """A visit to each client of the chunk, by whoever has it now."""
    clients = await list_remainder_clients(work, chunk)
    if clients:
        to_visit = [ClientToVisit(client.client_id, client.rank, ("no_successor",)) for client in clients]
        await open_visits(work, record, to_visit, clients[0].to_id, days_until_first=work.settings.visit_days)


async def hand_visits_on(work: UnitOfWork, assignee_id: str, to_id: str) -> None:
    """Who leaves has to do nothing more in the cases of others."""
    visits = await store.lock_open_visits_in_cases_of_others(work, assignee_id)
    reassigned = [replace(visit, assignee_id=to_id) for visit in visits]
    await store.update_visits(work, reassigned)
    work.publish(*map(rules.make_visit_opened, reassigned))  # for somebody new it is opened anew


async def cancel_visits(work: UnitOfWork, case_id: str) -> None:
    visits = await store.lock_open_visits(work, [case_id])
    cancelled = [replace(visit, status="cancelled", closed_at=work.now, closed_by=work.actor) for visit in visits]
    await store.update_visits(work, cancelled)
