"""Who serves a client beside its owner."""

from services.clients.access.handlers import make_refusal
from services.clients.access.store.decision import get_actor_decision
from services.clients.holdings.store.owners import LockedClient, lock_clients
from services.clients.holdings.store.teams import (
    TeamPlace,
    delete_team_place,
    update_team_places,
    upsert_team_places,
)
from services.clients.journal.store import insert_decision_entry, insert_journal_entry
from services.clients.names.handlers import with_resolved_client_id
from services.clients.permissions.rules import ALLOWING_REASONS
from services.clients.register.handlers import VersionCheck, announce_changed_clients
from services.clients.register.rules import Client
from services.clients.register.store import get_client
from shared.contracts.clients import PlaceTeam, Result
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.messages import Envelope
from shared.people.rules import require_may_be_given_work
from shared.people.store import lock_people


async def _lock_client_for_staffing(work: UnitOfWork, client_id: str, roles: frozenset[str]) -> LockedClient:
    """Whoever may edit a client says who serves it; so do those who head its owner. Raises a `JournaledRefusal`."""
    client = (await lock_clients(work, [client_id])).get(client_id)
    reason = await get_actor_decision(work, roles, client_id, "edit")
    if reason == "action_not_allowed" and roles & {"sales_head", "director"}:
        reason = await get_actor_decision(work, roles, client_id, "export")
    await insert_decision_entry(work, "edit", reason, client_id)
    if reason not in ALLOWING_REASONS:
        raise make_refusal(reason)
    if client is None:  # it was registered after we looked
        raise make_refusal("unknown_client")
    return client


@with_resolved_client_id
async def place_in_team(
    work: UnitOfWork,
    client_id: str,
    function: str,
    employee_id: str,
    roles: frozenset[str],
    check_version: VersionCheck,
) -> Client:
    """Raises a `JournaledRefusal`, `Stale`, `UnknownEmployee`, `NotEmployed`, `Frozen`."""
    people = await lock_people(work, for_share=[employee_id, work.actor])
    client = await _lock_client_for_staffing(work, client_id, roles)
    check_version(client.version)
    require_may_be_given_work(people, employee_id)
    (outcome,) = await upsert_team_places(work, [TeamPlace(client_id, function, employee_id)])
    if outcome != "unchanged":
        await insert_journal_entry(
            work, "team.placed", employee_id=employee_id, client_id=client_id, details={"function": function}
        )
        await announce_changed_clients(work, client_id)
    return await get_client(work, client_id)


@with_resolved_client_id
async def remove_from_team(work: UnitOfWork, client_id: str, function: str, roles: frozenset[str]) -> None:
    """Raises a `JournaledRefusal`, and `NotFound` if nobody serves the client in this function."""
    await lock_people(work, for_share=[work.actor])
    await _lock_client_for_staffing(work, client_id, roles)
    employee_id = await delete_team_place(work, client_id, function)
    if employee_id is None:
        raise NotFound
    await insert_journal_entry(
        work, "team.removed", employee_id=employee_id, client_id=client_id, details={"function": function}
    )
    await announce_changed_clients(work, client_id)


async def place_team(work: UnitOfWork, envelope: Envelope[PlaceTeam]) -> list[Result]:
    """Team places of a leaver taken over, by one statement; `done` also where the colleague has it already."""
    command = envelope.data
    await lock_people(work, for_share=[item.to_id for item in command.items])
    await lock_clients(work, sorted({item.client_id for item in command.items}))
    handovers = [(item.client_id, item.function, item.from_id, item.to_id) for item in command.items]
    outcomes = await update_team_places(work, handovers, command.employee_id, command.case_id)
    await announce_changed_clients(work, *sorted({outcome.client_id for outcome in outcomes if outcome.has_changed}))
    return [Result(id=f"{outcome.client_id}/{outcome.function}", outcome=outcome.outcome) for outcome in outcomes]
