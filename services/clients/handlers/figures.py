"""What cases and plans ask for, a page at a time; the journal hears of it once per call."""

from typing import Any

from services.clients.domain.access import ALLOWED, Action
from services.clients.handlers.naming import by_any_id
from services.clients.store import decisions, exposure, freezes, journal, sets
from services.clients.store.clients import FROM
from shared.contracts.clients import AccessFrozen, ClientRegistered, Ownership
from shared.database import UnitOfWork
from shared.ids import uuid7
from shared.paging import Paging
from shared.people.store import get_freeze_state, lock_people
from shared.service import Runtime


async def begin(work: UnitOfWork, kind: str, employee_id: str | None = None) -> dict[str, tuple[int, int]]:
    """Journals the call; for a portfolio, what its owner read and exported, and that it was looked at, if it may be."""
    seen = await exposure.seen(work, employee_id) if kind == "portfolio.read" and employee_id else None
    details = {} if seen is None else {"exposure": True}
    await journal.write(work, kind, employee_id=employee_id, action="list", reason="service", details=details)
    return seen or {}


async def allowed_clients(
    work: UnitOfWork, employee_id: str, action: Action, roles: frozenset[str], paging: Paging
) -> sets.Asked | None:
    """Which clients may this person do this with; None if the caller may not know."""
    may_know = employee_id == work.actor or roles & {"service", "director"}
    if not may_know and not ("sales_head" in roles and await freezes.heads(work, employee_id)):
        return None
    return await sets.clients_allowed(work, employee_id, action, paging)


@by_any_id
async def allowed_employees(
    work: UnitOfWork, client_id: str, action: Action, roles: frozenset[str], paging: Paging
) -> Any:
    """Who may do this with the client, or `{"refused": reason}`."""
    reason = await decisions.decide_for_caller(work, roles, client_id, "read")
    await journal.write_decision(work, "read", reason, client_id, "access.employees_asked")
    return await sets.employees_allowed(work, client_id, action, paging) if reason in ALLOWED else {"refused": reason}


async def count_unowned(runtime: Runtime) -> bool:
    """Keeps the alarm of clients that nobody has in hand."""
    counted = await runtime.transact(freezes.count_unowned)
    runtime.metrics.alarm.labels(runtime.name, "unowned").set(counted)
    return False


# -- again -------------------------------------------------------------------------------------------------------------


async def republish(runtime: Runtime) -> int:
    """Publishes who owns what, in bulk, and who is frozen; returns how many events that were."""
    events, after = 0, ""
    while True:
        last = await runtime.transact(_republish_clients, after)
        if last is None:
            return events + await runtime.transact(_republish_freezes)
        events, after = events + 1, last


async def _republish_clients(work: UnitOfWork, after: str) -> str | None:
    rows = await work.fetch_rows(
        f"SELECT c.client_id, c.owner_id, c.version FROM {FROM} WHERE c.client_id > :after ORDER BY 1 LIMIT 1000",
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
                clients=await freezes.count_clients(work, state.employee_id),
                frozen_at=state.frozen_at,
            )
        )
    return len(still)
