"""The export: decided anew for every page, so that a freeze in the middle ends it."""

from collections.abc import Mapping
from typing import Any

from services.clients.access.handlers import find_actor_exclusion, get_list_reason
from services.clients.exports import store
from services.clients.journal.store.entries import insert_clients_entry, insert_journal_entry
from shared.database import UnitOfWork


async def export_clients_page(
    work: UnitOfWork, roles: frozenset[str], format: store.ExportFormat, after: str
) -> Mapping[str, Any]:
    """The next page of what the caller may export, decided and counted now: its `text`, and `after` which the next comes.

    `refused` says why there is no more: `frozen`, `policy_not_acknowledged`, or `limit` where these are the last that the
    limit of the day allows.
    """
    refused = await find_actor_exclusion(work)
    if refused is not None:
        await insert_journal_entry(work, "client.exported", employee_id=work.actor, action="export", reason=refused)
        return {"text": "", "after": None, "refused": refused}
    owners = None if "director" in roles else await store.list_exportable_owners(work, "sales_head" in roles)
    page = await store.get_export_page(work, format, after, owners, get_list_reason(roles))
    if not page["found"] and not after:
        await insert_clients_entry(work, "client.exported", "export", get_list_reason(roles), [])
    more = page["found"] == store.EXPORT_PAGE_SIZE and page["allowed"] == page["found"]
    return {
        "text": page["text"] or "",
        "after": page["last"] if more else None,
        "refused": None if page["allowed"] == page["found"] else "limit",
    }
