"""What cases and plans ask for; and, on demand, who owns what and who is frozen is published again."""

from services.clients.exposure.store import list_usage_counts_by_client
from services.clients.holdings.store.owners import count_clients_of_owner
from services.clients.journal.store.entries import insert_journal_entry
from services.clients.register.store import CLIENT_TABLES_SQL
from shared.contracts.clients import AccessFrozen, ClientRegistered, Ownership
from shared.database import UnitOfWork
from shared.ids import uuid7
from shared.people.store import get_freeze_state, lock_people
from shared.service import Runtime


async def begin_feed(work: UnitOfWork, kind: str, employee_id: str | None = None) -> dict[str, tuple[int, int]]:
    """Journals the call; for a portfolio, what its owner read and exported, and that it was looked at, if it may be."""
    seen = await list_usage_counts_by_client(work, employee_id) if kind == "portfolio.read" and employee_id else None
    details = {} if seen is None else {"exposure": True}
    await insert_journal_entry(work, kind, employee_id=employee_id, action="list", reason="service", details=details)
    return seen or {}


# -- again -------------------------------------------------------------------------------------------------------------


async def republish_events(runtime: Runtime) -> int:
    """Publishes who owns what, in bulk, and who is frozen; returns how many events that were."""
    events, after = 0, ""
    while True:
        last = await runtime.transact(_republish_owners, after)
        if last is None:
            return events + await runtime.transact(_republish_freezes)
        events, after = events + 1, last


async def _republish_owners(work: UnitOfWork, after: str) -> str | None:
    rows = await work.fetch_rows(
        f"SELECT c.client_id, c.owner_id, c.version FROM {CLIENT_TABLES_SQL} WHERE c.client_id > :after ORDER BY 1 LIMIT 1000",
        after=after,
    )
    if not rows:
        return None
    owned = [Ownership(client_id=row["client_id"], to_id=row["owner_id"], sequence=row["version"]) for row in rows]
    work.publish(ClientRegistered(batch_id=uuid7(), items=owned))
    return str(rows[-1]["client_id"])


async def _republish_freezes(work: UnitOfWork) -> int:
    frozen = [
        row["employee_id"] for row in await work.fetch_rows("SELECT employee_id FROM people WHERE frozen ORDER BY 1")
    ]
    await lock_people(work, holding=frozen)  # so that no older state is told after a newer one
    states = [await get_freeze_state(work, employee_id) for employee_id in frozen]
    still = [state for state in states if state.frozen]
    for state in still:
        work.publish(
            AccessFrozen(
                employee_id=state.employee_id,
                employment_id=state.employment_id or "",
                grounds=list(state.grounds),
                case_id=state.case_id,
                caretaker_id=state.stand_in_id,
                clients=await count_clients_of_owner(work, state.employee_id),
                frozen_at=state.frozen_at,
            )
        )
    return len(still)
