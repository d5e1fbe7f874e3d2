"""Who of us knows one client, and how well; what was recorded of it. Each look is a decision."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from services.clients.access.handlers import decide_and_journal
from services.clients.erasure.store import get_erasure
from services.clients.holdings.store.owners import lock_clients
from services.clients.names.handlers import accept_any_client_id
from services.clients.permissions.rules import ALLOWING_REASONS
from services.clients.register.handlers import ClientAlreadyErased
from services.clients.relationships import rules, store
from shared.database import UnitOfWork
from shared.errors import Exists
from shared.ids import uuid7
from shared.paging import Paging, UnknownCursor
from shared.people.rules import UnknownEmployee
from shared.people.store import lock_people


@accept_any_client_id
async def read_client_knowledge(work: UnitOfWork, client_id: str, roles: frozenset[str]) -> Mapping[str, Any]:
    """As of now, or `{"refused": reason}`."""
    reason = await decide_and_journal(work, client_id, "read", roles)
    if reason not in ALLOWING_REASONS:
        return {"refused": reason}
    met = await store.list_acquaintances(work, client_id)
    owner_id, owner_stays = await store.get_acting_owner(work, client_id)
    here = [rules.Acquaintance(one["employee_id"], one["score"], one["stays"]) for one in met if one["employed"]]
    hangs = rules.find_client_dependency(here, owner_id, owner_stays)
    return {
        "client_id": client_id,
        "known_by": [{**one, "knows": one["score"] >= rules.MIN_KNOWING_SCORE} for one in met],
        "count": hangs.known_by,
        "strongest_id": next((one.employee_id for one in here if one.stays and one.knows), None),
        **{name: value for name, value in asdict(hangs).items() if name != "known_by"},
        "computed_at": work.now,
    }


@accept_any_client_id
async def list_interactions(work: UnitOfWork, client_id: str, roles: frozenset[str], paging: Paging) -> Any:
    after = _parse_cursor(paging)
    reason = await decide_and_journal(work, client_id, "read", roles)
    return (
        await store.list_interactions(work, client_id, after, paging.fetch)
        if reason in ALLOWING_REASONS
        else {"refused": reason}
    )


@accept_any_client_id
async def list_feedback(work: UnitOfWork, client_id: str, roles: frozenset[str], paging: Paging) -> Any:
    after = _parse_cursor(paging)
    reason = await decide_and_journal(work, client_id, "read", roles)
    return (
        await store.list_feedback(work, client_id, after, paging.fetch)
        if reason in ALLOWING_REASONS
        else {"refused": reason}
    )


def _parse_cursor(paging: Paging) -> tuple[datetime, str] | None:
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


@accept_any_client_id
async def record_interaction(
    work: UnitOfWork, client_id: str, data: Mapping[str, Any], roles: frozenset[str]
) -> Mapping[str, Any]:
    """Notes who met whom. Raises `Exists`, `UnknownEmployee`, `Erased`."""
    rows = await lock_people(work, holding=[data["employee_id"], work.actor])
    known = await lock_clients(work, [client_id])
    reason = await decide_and_journal(work, client_id, "contact", roles)
    if client_id not in known or reason not in ALLOWING_REASONS:
        return {"refused": reason}
    if data["employee_id"] not in rows:
        raise UnknownEmployee
    if known[client_id]["erased"] or await get_erasure(work, "employee", data["employee_id"]) is not None:
        raise ClientAlreadyErased
    return _require_recorded(await store.insert_interaction(work, client_id, {**data, "id": data["id"] or uuid7()}))


@accept_any_client_id
async def record_feedback(
    work: UnitOfWork, client_id: str, data: Mapping[str, Any], roles: frozenset[str]
) -> Mapping[str, Any]:
    """Notes what the client says of us. Raises `Exists`, `Erased`."""
    await lock_people(work, holding=[work.actor])
    known = await lock_clients(work, [client_id])
    reason = await decide_and_journal(work, client_id, "contact", roles)
    if client_id not in known or reason not in ALLOWING_REASONS:
        return {"refused": reason}
    if known[client_id]["erased"]:
        raise ClientAlreadyErased
    return _require_recorded(await store.insert_feedback(work, client_id, {**data, "id": data["id"] or uuid7()}))


def _require_recorded(row: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if row is None:
        raise Exists
    return dict(row)
