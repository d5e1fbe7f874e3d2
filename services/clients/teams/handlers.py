"""Who serves a client beside its owner."""

from collections.abc import Mapping
from typing import Any

from services.clients.access.store.decision import get_actor_decision
from services.clients.holdings.store.owners import lock_clients
from services.clients.holdings.store.teams import delete_team_place, update_team_places, upsert_team_place
from services.clients.journal.store.entries import insert_decision_entry, insert_journal_entry
from services.clients.names.handlers import accept_any_client_id
from services.clients.permissions.rules import ALLOWING_REASONS
from services.clients.register.handlers import VersionCheck, announce_changed_clients
from services.clients.register.store import get_client
from shared.contracts.clients import PlaceTeam, Result
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.messages import Envelope
from shared.people.rules import require_able_to_own
from shared.people.store import lock_people


async def _decide_team_change(work: UnitOfWork, client_id: str, roles: frozenset[str]) -> str:
    """Whoever may edit a client says who serves it; so do those who head its owner."""
    reason = await get_actor_decision(work, roles, client_id, "edit")
    if reason == "action_not_allowed" and roles & {"sales_head", "director"}:
        reason = await get_actor_decision(work, roles, client_id, "export")
    await insert_decision_entry(work, "edit", reason, client_id)
    return reason


@accept_any_client_id
async def place_in_team(
    work: UnitOfWork,
    client_id: str,
    function: str,
    employee_id: str,
    roles: frozenset[str],
    check_version: VersionCheck,
) -> Mapping[str, Any]:
    """Raises `Stale`, `UnknownEmployee`, `NotEmployed`, `Frozen`."""
    rows = await lock_people(work, holding=[employee_id, work.actor])
    known = (await lock_clients(work, [client_id])).get(client_id)
    reason = await _decide_team_change(work, client_id, roles)
    if known is None or reason not in ALLOWING_REASONS:
        return {"refused": reason}
    check_version(known["version"])
    require_able_to_own(rows, employee_id)
    if await upsert_team_place(work, client_id, function, employee_id):
        await insert_journal_entry(
            work, "team.placed", employee_id=employee_id, client_id=client_id, details={"function": function}
        )
        await announce_changed_clients(work, client_id)
    return await get_client(work, client_id)


@accept_any_client_id
async def remove_from_team(work: UnitOfWork, client_id: str, function: str, roles: frozenset[str]) -> Mapping[str, Any]:
    """Raises `NotFound` if nobody serves the client in this function."""
    await lock_people(work, holding=[work.actor])
    await lock_clients(work, [client_id])
    reason = await _decide_team_change(work, client_id, roles)
    if reason not in ALLOWING_REASONS:
        return {"refused": reason}
    gone = await delete_team_place(work, client_id, function)
    if gone is None:
        raise NotFound
    await insert_journal_entry(
        work, "team.removed", employee_id=gone, client_id=client_id, details={"function": function}
    )
    await announce_changed_clients(work, client_id)
    return {}


async def place_team(work: UnitOfWork, envelope: Envelope[PlaceTeam]) -> list[Result]:
    """Team places of a leaver taken over, by one statement; `done` also where the colleague has it already."""
    command = envelope.data
    await lock_people(work, holding=[item.to_id for item in command.items])
    await lock_clients(work, sorted({item.client_id for item in command.items}))
    items = [(item.client_id, item.function, item.from_id, item.to_id) for item in command.items]
    rows = await update_team_places(work, items, command.employee_id, command.case_id)
    await announce_changed_clients(work, *sorted({row["client_id"] for row in rows if row["changed"]}))
    return [Result(id=f"{row['client_id']}/{row['function']}", outcome=row["outcome"]) for row in rows]
