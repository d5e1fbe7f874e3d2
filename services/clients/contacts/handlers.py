"""The people at a client, one by one."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.clients.access.handlers import decide_and_journal
from services.clients.holdings.store.owners import lock_clients
from services.clients.names.handlers import accept_any_client_id
from services.clients.permissions.rules import ALLOWING_REASONS, Action
from services.clients.register.handlers import ClientAlreadyErased, VersionCheck, announce_changed_clients
from services.clients.register.rules import MAX_CONTACTS, assign_contact_ids, get_contact_details
from services.clients.register.store import list_contacts_of_client, list_profiles, update_profile
from shared.database import UnitOfWork
from shared.errors import Exists, NotFound, Refused
from shared.ids import uuid7
from shared.paging import Paging
from shared.people.store import lock_people


class TooManyContacts(Refused, code="too_many_contacts"):
    """A client has at most 100 contacts. Remove one that is no longer needed first."""


@accept_any_client_id
async def list_contacts(work: UnitOfWork, client_id: str, paging: Paging, roles: frozenset[str]) -> Any:
    """A page of the contacts, by id, or `{"refused": reason}`."""
    reason = await decide_and_journal(work, client_id, "read", roles)
    return await list_contacts_of_client(work, client_id, paging) if reason in ALLOWING_REASONS else {"refused": reason}


@accept_any_client_id
async def add_contact(work: UnitOfWork, client_id: str, contact: Mapping[str, Any], roles: frozenset[str]) -> Any:
    """Adds a contact; the same again gives the same answer. Raises `Exists`, `TooManyContacts`."""
    refusal, _, contacts = await _lock_contacts(work, client_id, "edit", roles)
    if refusal:
        return refusal
    known = next((one for one in contacts if one["id"] == contact["id"]), None)
    if known is not None and get_contact_details(known) != get_contact_details(contact):
        raise Exists
    if known is None:
        if len(contacts) >= MAX_CONTACTS:
            raise TooManyContacts
        await _save_contacts(work, client_id, [*contacts, contact])
    return {**contact, "client_id": client_id}


@accept_any_client_id
async def change_contact(
    work: UnitOfWork,
    client_id: str,
    contact_id: str,
    changes: Mapping[str, Any],
    roles: frozenset[str],
    check_version: VersionCheck,
) -> Any:
    """Changes what is given of a contact. Raises `NotFound`, `Stale`."""
    refusal, version, contacts = await _lock_contacts(work, client_id, "edit", roles)
    if refusal:
        return refusal
    known = next((one for one in contacts if one["id"] == contact_id), None)
    if known is None:
        raise NotFound
    check_version(version)
    changed = {**known, **changes}
    if changed != known:
        version += 1
        await _save_contacts(work, client_id, [changed if one is known else one for one in contacts])
    return {**changed, "version": version}


@accept_any_client_id
async def remove_contact(work: UnitOfWork, client_id: str, contact_id: str, roles: frozenset[str]) -> Any:
    """Raises `NotFound`."""
    refusal, _, contacts = await _lock_contacts(work, client_id, "edit", roles)
    if refusal:
        return refusal
    left = [one for one in contacts if one["id"] != contact_id]
    if len(left) == len(contacts):
        raise NotFound
    await _save_contacts(work, client_id, left)
    return {}


async def _lock_contacts(
    work: UnitOfWork, client_id: str, action: Action, roles: frozenset[str]
) -> tuple[dict[str, str] | None, int, list[dict[str, Any]]]:
    """Why not, if so; the version and the contacts of the client, which is locked. Raises `Erased`."""
    await lock_people(work, holding=[work.actor])
    known = (await lock_clients(work, [client_id])).get(client_id)
    reason = await decide_and_journal(work, client_id, action, roles)
    if known is None or reason not in ALLOWING_REASONS:
        return {"refused": reason}, 0, []
    if known["erased"]:
        raise ClientAlreadyErased
    return None, known["version"], (await list_profiles(work, [client_id]))[client_id]["contacts"]


async def _save_contacts(work: UnitOfWork, client_id: str, contacts: Sequence[Mapping[str, Any]]) -> None:
    await update_profile(work, client_id, {"contacts": assign_contact_ids(contacts, (), uuid7)})
    await announce_changed_clients(work, client_id)
