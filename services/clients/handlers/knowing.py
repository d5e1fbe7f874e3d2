"""Who of us knows one client, and how well; what was noted of it. Each look is a decision."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from services.clients.domain.access import ALLOWED
from services.clients.domain.knowing import KNOWS_FROM, Acquaintance, thread
from services.clients.handlers.clients import decide
from services.clients.handlers.naming import by_any_id
from services.clients.store import knowing
from shared.database import UnitOfWork
from shared.paging import Paging, UnknownCursor


@by_any_id
async def knowledge(work: UnitOfWork, client_id: str, roles: frozenset[str]) -> Mapping[str, Any]:
    """As of now, or `{"refused": reason}`."""
    reason = await decide(work, client_id, "read", roles)
    if reason not in ALLOWED:
        return {"refused": reason}
    met = await knowing.knowledge(work, client_id)
    owner_id, owner_stays = await knowing.in_hand(work, client_id)
    here = [Acquaintance(one["employee_id"], one["score"], one["stays"]) for one in met if one["employed"]]
    hangs = thread(here, owner_id, owner_stays)
    return {
        "client_id": client_id,
        "known_by": [{**one, "knows": one["score"] >= KNOWS_FROM} for one in met],
        "count": hangs.known_by,
        "strongest_id": next((one.employee_id for one in here if one.stays and one.knows), None),
        **{name: value for name, value in asdict(hangs).items() if name != "known_by"},
        "computed_at": work.now,
    }


@by_any_id
async def interactions(work: UnitOfWork, client_id: str, roles: frozenset[str], paging: Paging) -> Any:
    after = _after(paging)
    reason = await decide(work, client_id, "read", roles)
    return (
        await knowing.interactions(work, client_id, after, paging.fetch) if reason in ALLOWED else {"refused": reason}
    )


@by_any_id
async def feedback(work: UnitOfWork, client_id: str, roles: frozenset[str], paging: Paging) -> Any:
    after = _after(paging)
    reason = await decide(work, client_id, "read", roles)
    return await knowing.feedback(work, client_id, after, paging.fetch) if reason in ALLOWED else {"refused": reason}


def _after(paging: Paging) -> tuple[datetime, str] | None:
    if paging.after is None:
        return None
    try:
        moment, id = paging.after
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise UnknownCursor
        return at.astimezone(UTC), id
    except (ValueError, OverflowError):
        raise UnknownCursor from None
