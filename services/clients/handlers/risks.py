"""What hangs on one person alone: computed nightly and on demand (in a small company for whoever looks), shown to whom it
concerns, told of where it is much."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.clients.handlers.clients import ids, widest
from services.clients.handlers.policies import shut_out
from services.clients.store import freezes, journal, risks
from shared.contracts.clients import ClientSingleThreaded
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused
from shared.paging import Paging, UnknownCursor
from shared.service import Runtime

TOP = 10


class AlreadyComputing(Refused, code="already_computing"):
    """This is being computed right now. Look again in a minute."""


async def recompute(work: UnitOfWork) -> Mapping[str, Any]:
    """Computes it now. Raises `AlreadyComputing`."""
    if not await risks.reserve(work):
        raise AlreadyComputing
    changed = await risks.compute(work)
    computed = await risks.last(work)
    assert computed is not None  # noqa: S101 - just now
    return {"computed_at": computed.at, "clients": computed.clients, "changed": changed}


async def list_clients(
    work: UnitOfWork, roles: frozenset[str], paging: Paging, owner_id: str | None, department_id: str | None
) -> Any:
    """A page of clients that hang on one person, or `{"refused": reason}`; either is in the journal."""
    after = _after(paging)
    refused = await shut_out(work)
    if refused is not None:
        await journal.write(work, "client.listed", employee_id=work.actor, action="list", reason=refused)
        return {"refused": refused}
    await risks.compute_if_few(work)
    computed = await risks.last(work)
    rows = await risks.some(work, roles, after, paging.fetch, owner_id, department_id)
    await journal.write_page(work, "client.listed", "list", widest(roles), ids(rows, paging), {"by": "risk"})
    whole = computed.value if computed else Decimal(0)
    return {
        "rows": [{**row, "share": share(row["value"], whole)} for row in rows],
        "computed_at": computed.at if computed else None,
    }


def share(part: Decimal, whole: Decimal) -> float | None:
    """None where there is nothing to have a share in."""
    return round(float(part / whole), 6) if whole else None


def _after(paging: Paging) -> tuple[Decimal, str] | None:
    if paging.after is None:
        return None
    if len(paging.after) != 2 or not re.fullmatch(r"[0-9]{1,26}\.[0-9]{2}", paging.after[0]):
        raise UnknownCursor
    return Decimal(paging.after[0]), paging.after[1]


async def read_employee(work: UnitOfWork, employee_id: str, roles: frozenset[str]) -> Mapping[str, Any]:
    """What hangs on this person alone, or `{"refused": reason}`. Raises `NotFound`.

    They see it themselves, so do those who head them; `hr` sees no clients, others only those that they may list.
    """
    refused = await shut_out(work)
    if refused is not None:
        await journal.write(work, "risk.read", employee_id=employee_id, action="list", reason=refused)
        return {"refused": refused}
    shown = (
        employee_id == work.actor
        or roles & {"director", "service"}
        or ("sales_head" in roles and await freezes.heads(work, employee_id))
    )
    if not (shown or "hr" in roles) or not await risks.is_known(work, employee_id):
        raise NotFound
    await risks.compute_if_few(work)
    reason = widest(roles) if shown else None  # figures without clients rest on no relation to one
    await journal.write(work, "risk.read", employee_id=employee_id, action="list", reason=reason)
    top = await risks.top(work, employee_id, roles, TOP) if shown else []
    if top and reason:
        listed = [row["client_id"] for row in top]
        await journal.write_page(work, "client.listed", "list", reason, listed, {"by": "risk"})
    computed, found = await risks.last(work), dict(await risks.of_employee(work, employee_id))
    return {
        **found,
        "employee_id": employee_id,
        "share_of_own": share(found.pop("own_alone_value"), found["value"]),
        "share_of_company": share(found["alone_value"], computed.value if computed else Decimal(0)),
        "top": top,
        "computed_at": computed.at if computed else None,
    }


# -- by the clock ------------------------------------------------------------------------------------------------------


async def compute_nightly(runtime: Runtime) -> bool:
    """Computes it when a new day of the company has begun, by one replica."""
    await runtime.transact(_compute_if_due)
    return False


async def _compute_if_due(work: UnitOfWork) -> None:
    if await _is_due(work) and await risks.reserve(work) and await _is_due(work):
        await recompute(work)


async def _is_due(work: UnitOfWork) -> bool:
    computed = await risks.last(work)
    return computed is None or computed.day < work.today


async def tell_single_threaded(runtime: Runtime) -> bool:
    """Publishes which clients of high value hang on somebody alone; True if there may be more."""
    return runtime.settings.alert_value is not None and await runtime.transact(_tell) == risks.AT_ONCE


async def _tell(work: UnitOfWork) -> int:
    found = await risks.untold(work, work.settings.alert_value or Decimal(0))
    work.publish(*(ClientSingleThreaded(**row) for row in found))
    return len(found)
