"""The people at a client, one by one."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.clients.domain.access import ALLOWED, Action
from services.clients.domain.contacts import MOST, identified, said
from services.clients.handlers.clients import Check, Erased, announce_changed, decide
from services.clients.handlers.naming import by_any_id
from services.clients.store import clients, profiles, team
from shared.database import UnitOfWork
from shared.errors import Exists, NotFound, Refused
from shared.ids import uuid7
from shared.paging import Paging
from shared.people.store import lock_people


class TooManyContacts(Refused, code="too_many_contacts"):
    """A client has at most 100 contacts. Remove one that is no longer needed first."""


@by_any_id
async def read(work: UnitOfWork, client_id: str, paging: Paging, roles: frozenset[str]) -> Any:
    """A page of the contacts, by id, or `{"refused": reason}`."""
    reason = await decide(work, client_id, "read", roles)
    return await profiles.contacts(work, client_id, paging) if reason in ALLOWED else {"refused": reason}


@by_any_id
async def add(work: UnitOfWork, client_id: str, contact: Mapping[str, Any], roles: frozenset[str]) -> Any:
    """Adds a contact; the same again gives the same answer. Raises `Exists`, `TooManyContacts`."""
    refusal, _, contacts = await _held(work, client_id, "edit", roles)
    if refusal:
        return refusal
    known = next((one for one in contacts if one["id"] == contact["id"]), None)
    if known is not None and said(known) != said(contact):
        raise Exists
    if known is None:
        if len(contacts) >= MOST:
            raise TooManyContacts
        await _write(work, client_id, [*contacts, contact])
    return {**contact, "client_id": client_id}


@by_any_id
async def change(
    work: UnitOfWork,
    client_id: str,
    contact_id: str,
    changes: Mapping[str, Any],
    roles: frozenset[str],
    check_version: Check,
) -> Any:
    """Changes what is given of a contact. Raises `NotFound`, `Stale`."""
    refusal, version, contacts = await _held(work, client_id, "edit", roles)
    if refusal:
        return refusal
    known = next((one for one in contacts if one["id"] == contact_id), None)
    if known is None:
        raise NotFound
    check_version(version)
    changed = {**known, **changes}
    if changed != known:
        version += 1
        await _write(work, client_id, [changed if one is known else one for one in contacts])
    return {**changed, "version": version}


@by_any_id
async def remove(work: UnitOfWork, client_id: str, contact_id: str, roles: frozenset[str]) -> Any:
    """Raises `NotFound`."""
    refusal, _, contacts = await _held(work, client_id, "edit", roles)
    if refusal:
        return refusal
    left = [one for one in contacts if one["id"] != contact_id]
    if len(left) == len(contacts):
        raise NotFound
    await _write(work, client_id, left)
    return {}


async def _held(
    work: UnitOfWork, client_id: str, action: Action, roles: frozenset[str]
) -> tuple[dict[str, str] | None, int, list[dict[str, Any]]]:
    """Why not, if so; the version and the contacts of the client, which is locked. Raises `Erased`."""
    await lock_people(work, holding=[work.actor])
    known = (await clients.lock(work, [client_id])).get(client_id)
    reason = await decide(work, client_id, action, roles)
    if known is None or reason not in ALLOWED:
        return {"refused": reason}, 0, []
    if known["erased"]:
        raise Erased
    return None, known["version"], (await profiles.these(work, [client_id]))[client_id]["contacts"]


async def _write(work: UnitOfWork, client_id: str, contacts: Sequence[Mapping[str, Any]]) -> None:
    await team.change_profile(work, client_id, {"contacts": identified(contacts, (), uuid7)})
    await announce_changed(work, client_id)
