"""What hangs on one person alone: computed nightly and on demand, shown to whom it concerns, announced if it is much."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.clients.access.handlers import find_actor_exclusion, get_list_reason, get_page_client_ids
from services.clients.access.store.actor import is_headed_by_actor
from services.clients.journal.store.entries import insert_clients_entry, insert_journal_entry
from services.clients.risks import store
from shared.contracts.clients import ClientSingleThreaded
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused
from shared.paging import Paging, UnknownCursor
from shared.service import Runtime

TOP_CLIENTS = 10


class RisksAlreadyComputing(Refused, code="already_computing"):
    """This is being computed right now. Look again in a minute."""


async def recompute_risks(work: UnitOfWork) -> Mapping[str, Any]:
    """Computes it now. Raises `AlreadyComputing`."""
    if not await store.lock_computation(work):
        raise RisksAlreadyComputing
    changed = await store.update_risks(work)
    computed = await store.get_last_computation(work)
    assert computed is not None  # noqa: S101 - just now
    return {"computed_at": computed.at, "clients": computed.clients, "changed": changed}


async def list_clients_at_risk(
    work: UnitOfWork, roles: frozenset[str], paging: Paging, owner_id: str | None, department_id: str | None
) -> Any:
    """A page of clients that hang on one person, or `{"refused": reason}`; either is in the journal."""
    after = _parse_cursor(paging)
    refused = await find_actor_exclusion(work)
    if refused is not None:
        await insert_journal_entry(work, "client.listed", employee_id=work.actor, action="list", reason=refused)
        return {"refused": refused}
    await store.update_risks_if_small(work)
    computed = await store.get_last_computation(work)
    rows = await store.list_clients_at_risk(work, roles, after, paging.fetch, owner_id, department_id)
    await insert_clients_entry(
        work, "client.listed", "list", get_list_reason(roles), get_page_client_ids(rows, paging), {"by": "risk"}
    )
    whole = computed.value if computed else Decimal(0)
    return {
        "rows": [{**row, "share": compute_share(row["value"], whole)} for row in rows],
        "computed_at": computed.at if computed else None,
    }


def compute_share(part: Decimal, whole: Decimal) -> float | None:
    """None where there is nothing to have a share in."""
    return round(float(part / whole), 6) if whole else None


def _parse_cursor(paging: Paging) -> tuple[Decimal, str] | None:
    if paging.after is None:
        return None
    if len(paging.after) != 2 or not re.fullmatch(r"[0-9]{1,26}\.[0-9]{2}", paging.after[0]):
        raise UnknownCursor
    return Decimal(paging.after[0]), paging.after[1]


async def read_employee_risk(work: UnitOfWork, employee_id: str, roles: frozenset[str]) -> Mapping[str, Any]:
    """What hangs on this person alone, or `{"refused": reason}`. Raises `NotFound`.

    They see it themselves, so do those who head them; `hr` sees no clients, others only those that they may list.
    """
    refused = await find_actor_exclusion(work)
    if refused is not None:
        await insert_journal_entry(work, "risk.read", employee_id=employee_id, action="list", reason=refused)
        return {"refused": refused}
    shown = (
        employee_id == work.actor
        or roles & {"director", "service"}
        or ("sales_head" in roles and await is_headed_by_actor(work, employee_id))
    )
    if not (shown or "hr" in roles) or not await store.exists_employee(work, employee_id):
        raise NotFound
    await store.update_risks_if_small(work)
    reason = get_list_reason(roles) if shown else None  # figures without clients rest on no relation to one
    await insert_journal_entry(work, "risk.read", employee_id=employee_id, action="list", reason=reason)
    top = await store.list_top_clients_at_risk(work, employee_id, roles, TOP_CLIENTS) if shown else []
    if top and reason:
        listed = [row["client_id"] for row in top]
        await insert_clients_entry(work, "client.listed", "list", reason, listed, {"by": "risk"})
    computed, found = await store.get_last_computation(work), dict(await store.get_employee_risk(work, employee_id))
    return {
        **found,
        "employee_id": employee_id,
        "share_of_own": compute_share(found.pop("own_alone_value"), found["value"]),
        "share_of_company": compute_share(found["alone_value"], computed.value if computed else Decimal(0)),
        "top": top,
        "computed_at": computed.at if computed else None,
    }


# -- by the clock ------------------------------------------------------------------------------------------------------


async def recompute_risks_nightly(runtime: Runtime) -> bool:
    """Computes it when a new day of the company has begun, by one replica."""
    await runtime.transact(_recompute_if_due)
    return False


async def _recompute_if_due(work: UnitOfWork) -> None:
    if await _is_due(work) and await store.lock_computation(work) and await _is_due(work):
        await recompute_risks(work)


async def _is_due(work: UnitOfWork) -> bool:
    computed = await store.get_last_computation(work)
    return computed is None or computed.day < work.today


async def announce_single_threaded_clients(runtime: Runtime) -> bool:
    """Publishes which clients of high value hang on somebody alone; True if there may be more."""
    return (
        runtime.settings.alert_value is not None
        and await runtime.transact(_announce_single_threaded_clients) == store.ANNOUNCED_AT_ONCE
    )


async def _announce_single_threaded_clients(work: UnitOfWork) -> int:
    found = await store.update_single_threaded_as_announced(work, work.settings.alert_value or Decimal(0))
    work.publish(*(ClientSingleThreaded(**row) for row in found))
    return len(found)
