"""The export: decided anew for every page, so that a freeze in the middle ends it."""

from collections.abc import Mapping
from typing import Any

from services.clients.handlers.clients import widest
from services.clients.handlers.policies import shut_out
from services.clients.store import exporting, journal
from shared.database import UnitOfWork


async def export_page(
    work: UnitOfWork, roles: frozenset[str], format: exporting.Format, after: str
) -> Mapping[str, Any]:
    """The next page of what the caller may export, decided and counted now: its `text`, and `after` which the next comes.

    `refused` says why there is no more: `frozen`, `policy_not_acknowledged`, or `limit` where these are the last that the
    limit of the day allows.
    """
    refused = await shut_out(work)
    if refused is not None:
        await journal.write(work, "client.exported", employee_id=work.actor, action="export", reason=refused)
        return {"text": "", "after": None, "refused": refused}
    owners = None if "director" in roles else await exporting.owners(work, "sales_head" in roles)
    page = await exporting.page(work, format, after, owners, widest(roles))
    if not page["found"] and not after:
        await journal.write_page(work, "client.exported", "export", widest(roles), [])
    more = page["found"] == exporting.PAGE and page["allowed"] == page["found"]
    return {
        "text": page["text"] or "",
        "after": page["last"] if more else None,
        "refused": None if page["allowed"] == page["found"] else "limit",
    }
