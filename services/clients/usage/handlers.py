"""What other systems report as really used, and its end. Nothing is computed from it before a notice or an incident."""

from collections.abc import Sequence

from services.clients.access.handlers import lock_people_for_client_work
from services.clients.journal.store import insert_journal_entry
from services.clients.names.store import list_client_ids_by_other_name
from services.clients.usage import store
from shared.database import UnitOfWork
from shared.service import Runtime


async def record_usage(work: UnitOfWork, records: Sequence[store.UsageRecord]) -> list[store.UsageOutcome]:
    """Up to 1,000 records. Raises `YouAreFrozen`, `PolicyNotAcknowledged`."""
    await lock_people_for_client_work(work)
    ids = await list_client_ids_by_other_name(work, [record.client_id for record in records])
    return await store.insert_usage(
        work, [record._replace(client_id=ids.get(record.client_id, record.client_id)) for record in records]
    )


async def delete_expired_usage(runtime: Runtime) -> bool:
    """Deletes what is older than it is kept; whether there may be more."""
    return await runtime.transact(_delete_expired_usage) == store.DELETE_BATCH_SIZE


async def _delete_expired_usage(work: UnitOfWork) -> int:
    gone = await store.delete_expired_usage(work)
    if gone:
        await insert_journal_entry(work, "usage.forgotten", details={"rows": gone, "days": work.settings.usage_keep})
    return gone
