"""What cases and plans ask for; and, on demand, who owns what and who is frozen is published again."""

from collections.abc import Mapping

from services.clients.exposure.store import list_usage_counts_by_client
from services.clients.feeds import store
from services.clients.freezes.handlers import build_freeze_event
from services.clients.journal.store import EntryDetails, insert_journal_entry
from shared.contracts.clients import ClientRegistered
from shared.database import UnitOfWork
from shared.ids import uuid7
from shared.outbox.republication import republish_in_batches
from shared.people.store import get_freeze_state, lock_people
from shared.service import Runtime


async def journal_feed_call(
    work: UnitOfWork, kind: str, employee_id: str | None = None, details: EntryDetails | None = None
) -> None:
    """Journals the call, of which every page is a read of its own."""
    await insert_journal_entry(work, kind, employee_id=employee_id, action="list", reason="service", details=details)


async def journal_portfolio_call_and_list_usage(work: UnitOfWork, employee_id: str) -> Mapping[str, Mapping[str, int]]:
    """Journals the call; by client what its owner read and exported, and that it was looked at, if it may be."""
    counts = await list_usage_counts_by_client(work, employee_id)
    await journal_feed_call(work, "portfolio.read", employee_id, {} if counts is None else {"exposure": True})
    return counts or {}


# -- again -------------------------------------------------------------------------------------------------------------


async def republish_events(runtime: Runtime) -> int:
    """Publishes who owns what, in bulk, and who is frozen; returns how many events that were."""
    return await republish_in_batches(runtime, _republish_owners, _republish_freezes)


async def _republish_owners(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    items = await store.list_ownership(work, after)
    if not items:
        return 0, None
    work.publish(ClientRegistered(batch_id=uuid7(), items=items))
    return 1, items[-1].client_id


async def _republish_freezes(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    frozen = await store.list_frozen_employees(work)
    await lock_people(work, for_share=frozen)  # so that no older state is published after a newer one
    states = [await get_freeze_state(work, employee_id) for employee_id in frozen]
    events = [await build_freeze_event(work, state) for state in states if state.frozen]
    work.publish(*events)
    return len(events), None
