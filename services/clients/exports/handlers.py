"""The export: decided anew for every page, so that a freeze in the middle ends it."""

from services.clients.access.handlers import get_list_reason, make_refusal, require_actor_not_excluded
from services.clients.exports import store
from services.clients.journal.store import insert_clients_entry
from shared.database import UnitOfWork


async def export_clients_page(
    work: UnitOfWork, roles: frozenset[str], format: store.ExportFormat, after: str
) -> store.ExportPage:
    """The clients after this id that the actor may export, decided and counted now.

    Raises a `JournaledRefusal` if the actor may export none, or if the limit of the day allows no more.
    """
    await require_actor_not_excluded(work, "client.exported", "export")
    owner_ids = None if "director" in roles else await store.list_exportable_owner_ids(work, "sales_head" in roles)
    page = await store.get_and_journal_export_page(work, format, after, owner_ids, get_list_reason(roles))
    if not page.found_count and not after:
        await insert_clients_entry(work, "client.exported", "export", get_list_reason(roles), [])
    if page.is_limited and not page.text:
        raise make_refusal("limit")
    return page
