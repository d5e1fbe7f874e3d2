"""Who serves a client beside its owner, who knows whom, and what the client says."""

from collections.abc import Mapping
from typing import Any

from services.clients.domain.access import ALLOWED
from services.clients.handlers.clients import Check, Erased, announce_changed, decide
from services.clients.handlers.naming import by_any_id
from services.clients.store import clients, decisions, erasures, journal, team
from shared.contracts.clients import PlaceTeam, Result
from shared.database import UnitOfWork
from shared.errors import Exists, NotFound
from shared.ids import uuid7
from shared.messages import Envelope
from shared.people.rules import UnknownEmployee, require_able_to_own
from shared.people.store import lock_people


async def _may_staff(work: UnitOfWork, client_id: str, roles: frozenset[str]) -> str:
    """Whoever may edit a client says who serves it; so do those who head its owner."""
    reason = await decisions.decide_for_caller(work, roles, client_id, "edit")
    if reason == "action_not_allowed" and roles & {"sales_head", "director"}:
        reason = await decisions.decide_for_caller(work, roles, client_id, "export")
    await journal.write_decision(work, "edit", reason, client_id)
    return reason


@by_any_id
async def place(
    work: UnitOfWork, client_id: str, function: str, employee_id: str, roles: frozenset[str], check_version: Check
) -> Mapping[str, Any]:
    """Raises `Stale`, `UnknownEmployee`, `NotEmployed`, `Frozen`."""
    rows = await lock_people(work, holding=[employee_id, work.actor])
    known = (await clients.lock(work, [client_id])).get(client_id)
    reason = await _may_staff(work, client_id, roles)
    if known is None or reason not in ALLOWED:
        return {"refused": reason}
    check_version(known["version"])
    require_able_to_own(rows, employee_id)
    if await team.place(work, client_id, function, employee_id):
        await journal.write(
            work, "team.placed", employee_id=employee_id, client_id=client_id, details={"function": function}
        )
        await announce_changed(work, client_id)
    return await clients.one(work, client_id)


@by_any_id
async def remove(work: UnitOfWork, client_id: str, function: str, roles: frozenset[str]) -> Mapping[str, Any]:
    """Raises `NotFound` if nobody serves the client in this function."""
    await lock_people(work, holding=[work.actor])
    await clients.lock(work, [client_id])
    reason = await _may_staff(work, client_id, roles)
    if reason not in ALLOWED:
        return {"refused": reason}
    gone = await team.remove(work, client_id, function)
    if gone is None:
        raise NotFound
    await journal.write(work, "team.removed", employee_id=gone, client_id=client_id, details={"function": function})
    await announce_changed(work, client_id)
    return {}


async def place_team(work: UnitOfWork, envelope: Envelope[PlaceTeam]) -> list[Result]:
    """Team places of a leaver taken over, by one statement; `done` also where the colleague has it already."""
    command = envelope.data
    await lock_people(work, holding=[item.to_id for item in command.items])
    await clients.lock(work, sorted({item.client_id for item in command.items}))
    items = [(item.client_id, item.function, item.from_id, item.to_id) for item in command.items]
    rows = await team.take_over(work, items, command.employee_id, command.case_id)
    await announce_changed(work, *sorted({row["client_id"] for row in rows if row["changed"]}))
    return [Result(id=f"{row['client_id']}/{row['function']}", outcome=row["outcome"]) for row in rows]


@by_any_id
async def note_interaction(
    work: UnitOfWork, client_id: str, data: Mapping[str, Any], roles: frozenset[str]
) -> Mapping[str, Any]:
    """Notes who met whom. Raises `Exists`, `UnknownEmployee`, `Erased`."""
    rows = await lock_people(work, holding=[data["employee_id"], work.actor])
    known = await clients.lock(work, [client_id])
    reason = await decide(work, client_id, "contact", roles)
    if client_id not in known or reason not in ALLOWED:
        return {"refused": reason}
    if data["employee_id"] not in rows:
        raise UnknownEmployee
    if known[client_id]["erased"] or await erasures.act(work, "employee", data["employee_id"]) is not None:
        raise Erased
    return _noted(await team.note_interaction(work, client_id, {**data, "id": data["id"] or uuid7()}))


@by_any_id
async def note_feedback(
    work: UnitOfWork, client_id: str, data: Mapping[str, Any], roles: frozenset[str]
) -> Mapping[str, Any]:
    """Notes what the client says of us. Raises `Exists`, `Erased`."""
    await lock_people(work, holding=[work.actor])
    known = await clients.lock(work, [client_id])
    reason = await decide(work, client_id, "contact", roles)
    if client_id not in known or reason not in ALLOWED:
        return {"refused": reason}
    if known[client_id]["erased"]:
        raise Erased
    return _noted(await team.note_feedback(work, client_id, {**data, "id": data["id"] or uuid7()}))


def _noted(row: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if row is None:
        raise Exists
    return dict(row)
