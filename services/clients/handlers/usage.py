"""What other systems report as really used, and its end. Nothing is computed from it before a notice or an incident."""

from collections.abc import Sequence
from typing import Any

from services.clients.handlers.acting import lock_for_clients
from services.clients.store import journal, refs, usage
from shared.database import UnitOfWork
from shared.service import Runtime


async def report(work: UnitOfWork, uses: Sequence[usage.Use]) -> dict[str, Any]:
    """Up to 1,000 items: how many are new, how many were known, and which are refused."""
    results = await _record(work, uses)
    refused = [{"item": place, "reason": reason} for place, (_, reason) in enumerate(results) if reason]
    recorded = sum(made for made, _ in results)
    return {"recorded": recorded, "repeated": len(results) - recorded - len(refused), "refused": refused}


async def import_usage(work: UnitOfWork, lines: Sequence[tuple[int, usage.Use]]) -> list[dict[str, Any]]:
    """Up to 1,000 lines: `created`, `unchanged` or `refused` with a reason for each."""
    results = await _record(work, [use for _, use in lines])
    return [
        {"line": line, "outcome": "refused" if reason else "created" if made else "unchanged", "reason": reason}
        for (line, _), (made, reason) in zip(lines, results, strict=True)
    ]


async def _record(work: UnitOfWork, uses: Sequence[usage.Use]) -> list[tuple[bool, str | None]]:
    await lock_for_clients(work)
    known = await refs.resolve(work, [use.client_id for use in uses])
    return await usage.record(work, [use._replace(client_id=known.get(use.client_id, use.client_id)) for use in uses])


async def forget_usage(runtime: Runtime) -> bool:
    """Deletes what is older than it is kept; whether there may be more."""
    return await runtime.transact(_forget) == usage.BATCH


async def _forget(work: UnitOfWork) -> int:
    gone = await usage.forget(work)
    if gone:
        await journal.write(work, "usage.forgotten", details={"rows": gone, "days": work.settings.usage_keep})
    return gone
