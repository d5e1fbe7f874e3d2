"""What hangs on one person alone: computed nightly and on demand, shown to whom it concerns, announced if it is much."""

import re
from dataclasses import replace
from decimal import Decimal

from services.clients.access.handlers import get_list_reason, require_actor_not_excluded
from services.clients.journal.store import insert_clients_entry, insert_journal_entry
from services.clients.risks import store
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused
from shared.paging import Paging, UnknownCursor
from shared.people.store import get_person, is_headed_by_actor
from shared.service import Runtime

TOP_CLIENTS = 10


class RisksAlreadyComputing(Refused, code="already_computing"):
    """This is being computed right now. Look again in a minute."""


async def recompute_single_threaded_clients(work: UnitOfWork) -> store.RisksRecomputed:
    """Computes it now. Raises `RisksAlreadyComputing`."""
    if not await store.try_lock_computation(work):
        raise RisksAlreadyComputing
    return await store.update_single_threaded_clients(work)


async def list_single_threaded_clients(
    work: UnitOfWork, roles: frozenset[str], paging: Paging, owner_id: str | None, department_id: str | None
) -> tuple[list[store.SingleThreadedClient], store.RiskComputation | None]:
    """A page of clients that hang on one person, and when that was computed. Raises a `JournaledRefusal`, `UnknownCursor`."""
    after = _parse_cursor(paging)
    await require_actor_not_excluded(work, "client.listed", "list")
    await store.update_single_threaded_clients_if_company_small(work)
    computation = await store.get_last_computation(work)
    clients = await store.list_single_threaded_clients(work, roles, after, paging.fetch, owner_id, department_id)
    shown = [client.client_id for client in clients[: paging.limit]]
    await insert_clients_entry(work, "client.listed", "list", get_list_reason(roles), shown, {"by": "risk"})
    return clients, computation


def _parse_cursor(paging: Paging) -> tuple[Decimal, str] | None:
    if paging.after is None:
        return None
    if len(paging.after) != 2 or not re.fullmatch(r"[0-9]{1,26}\.[0-9]{2}", paging.after[0]):
        raise UnknownCursor
    return Decimal(paging.after[0]), paging.after[1]


async def read_employee_risk(work: UnitOfWork, employee_id: str, roles: frozenset[str]) -> store.EmployeeRisk:
    """They see it themselves, so do those who head them; `hr` sees no clients, others only those that they may list.

    Raises a `JournaledRefusal`, `NotFound`.
    """
    await require_actor_not_excluded(work, "risk.read", "list", employee_id)
    may_see_clients = (
        employee_id == work.actor
        or bool(roles & {"director", "service"})
        or ("sales_head" in roles and await is_headed_by_actor(work, employee_id))
    )
    person = await get_person(work, employee_id)
    if not (may_see_clients or "hr" in roles) or person is None or not person.is_known:
        raise NotFound
    await store.update_single_threaded_clients_if_company_small(work)
    reason = get_list_reason(roles) if may_see_clients else None  # figures without clients rest on no relation to one
    await insert_journal_entry(work, "risk.read", employee_id=employee_id, action="list", reason=reason)
    top = await store.list_top_single_threaded_clients(work, employee_id, roles, TOP_CLIENTS) if may_see_clients else []
    if top:
        shown = [client.client_id for client in top]
        await insert_clients_entry(work, "client.listed", "list", reason, shown, {"by": "risk"})
    return replace(await store.get_employee_risk(work, employee_id), top=top)


# -- by the clock ------------------------------------------------------------------------------------------------------


async def recompute_single_threaded_clients_nightly(runtime: Runtime) -> bool:
    """Computes it when a new day of the company has begun, by one replica."""
    await runtime.transact(_recompute_if_due)
    return False


async def _recompute_if_due(work: UnitOfWork) -> None:
    if await _is_due(work) and await store.try_lock_computation(work) and await _is_due(work):
        await recompute_single_threaded_clients(work)


async def _is_due(work: UnitOfWork) -> bool:
    computation = await store.get_last_computation(work)
    return computation is None or computation.day < work.today


async def announce_single_threaded_clients(runtime: Runtime) -> bool:
    """Publishes which clients of high value hang on somebody alone; True if there may be more."""
    return (
        runtime.settings.alert_value is not None
        and await runtime.transact(_announce_single_threaded_clients) == store.ANNOUNCED_AT_ONCE
    )


async def _announce_single_threaded_clients(work: UnitOfWork) -> int:
    events = await store.update_single_threaded_as_announced(work, work.settings.alert_value or Decimal(0))
    work.publish(*events)
    return len(events)
