"""What other systems report as really used, and its end. Nothing is computed from it before a notice or an incident."""

from collections.abc import Sequence
from typing import Any

from services.clients.access.handlers import lock_for_client_work
from services.clients.journal.store.entries import insert_journal_entry
from services.clients.names.store import list_client_ids_by_ref
from services.clients.usage import store
from shared.database import UnitOfWork
from shared.service import Runtime


async def record_usage(work: UnitOfWork, uses: Sequence[store.UsageRecord]) -> dict[str, Any]:
    """Up to 1,000 items: how many are new, how many were known, and which are refused."""
    results = await _insert_usage(work, uses)
    refused = [{"item": place, "reason": reason} for place, (_, reason) in enumerate(results) if reason]
    recorded = sum(made for made, _ in results)
    return {"recorded": recorded, "repeated": len(results) - recorded - len(refused), "refused": refused}


async def import_usage(work: UnitOfWork, lines: Sequence[tuple[int, store.UsageRecord]]) -> list[dict[str, Any]]:
    """Up to 1,000 lines: `created`, `unchanged` or `refused` with a reason for each."""
    results = await _insert_usage(work, [use for _, use in lines])
    return [
        {"line": line, "outcome": "refused" if reason else "created" if made else "unchanged", "reason": reason}
        for (line, _), (made, reason) in zip(lines, results, strict=True)
    ]


async def _insert_usage(work: UnitOfWork, uses: Sequence[store.UsageRecord]) -> list[tuple[bool, str | None]]:
    await lock_for_client_work(work)
    known = await list_client_ids_by_ref(work, [use.client_id for use in uses])
    return await store.insert_usage(
        work, [use._replace(client_id=known.get(use.client_id, use.client_id)) for use in uses]
    )


async def delete_expired_usage(runtime: Runtime) -> bool:
    """Deletes what is older than it is kept; whether there may be more."""
    return await runtime.transact(_delete_expired_usage) == store.DELETE_BATCH_SIZE


async def _delete_expired_usage(work: UnitOfWork) -> int:
    gone = await store.delete_expired_usage(work)
    if gone:
        await insert_journal_entry(work, "usage.forgotten", details={"rows": gone, "days": work.settings.usage_keep})
    return gone
