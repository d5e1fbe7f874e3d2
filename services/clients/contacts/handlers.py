"""The people at a client, one by one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.clients.access.handlers import require_access
from services.clients.names.handlers import with_resolved_client_id
from services.clients.register.handlers import VersionCheck, announce_changed_clients, lock_client_for_edit
from services.clients.register.rules import MAX_CONTACTS, Contact, ContactChanges, Profile
from services.clients.register.store import list_contacts_of_client, update_profiles
from shared.database import UnitOfWork
from shared.errors import IdTaken, NotFound, Refused
from shared.paging import Paging


class TooManyContacts(Refused, code="too_many_contacts"):
    """A client has at most 100 contacts. Remove one that is no longer needed first."""


@dataclass(frozen=True, slots=True)
class SavedContact:
    client_id: str
    client_version: int
    contact: Contact


@with_resolved_client_id
async def list_contacts(work: UnitOfWork, client_id: str, paging: Paging, roles: frozenset[str]) -> list[Contact]:
    """A page, by id. Raises a `JournaledRefusal`."""
    await require_access(work, client_id, "read", roles)
    return await list_contacts_of_client(work, client_id, paging)


@with_resolved_client_id
async def add_contact(work: UnitOfWork, client_id: str, contact: Contact, roles: frozenset[str]) -> SavedContact:
    """Adds a contact; the same again gives the same answer. Raises a `JournaledRefusal`, `IdTaken`, `TooManyContacts`."""
    client, profile = await lock_client_for_edit(work, client_id, roles)
    known = _find_contact(profile, contact.id)
    if known is not None and known != contact:
        raise IdTaken
    if known is None:
        if len(profile.contacts) >= MAX_CONTACTS:
            raise TooManyContacts
        await _save_contacts(work, client_id, profile, [*profile.contacts, contact])
    return SavedContact(client_id, client.version, contact)


@with_resolved_client_id
async def change_contact(
    work: UnitOfWork,
    client_id: str,
    contact_id: str,
    changes: ContactChanges,
    roles: frozenset[str],
    check_version: VersionCheck,
) -> SavedContact:
    """Changes what is given of a contact. Raises a `JournaledRefusal`, `NotFound`, `Stale`."""
    client, profile = await lock_client_for_edit(work, client_id, roles)
    known = _find_contact(profile, contact_id)
    if known is None:
        raise NotFound
    check_version(client.version)
    changed = replace(known, **changes)
    if changed == known:
        return SavedContact(client_id, client.version, known)
    contacts = [changed if contact is known else contact for contact in profile.contacts]
    await _save_contacts(work, client_id, profile, contacts)
    return SavedContact(client_id, client.version + 1, changed)


@with_resolved_client_id
async def remove_contact(work: UnitOfWork, client_id: str, contact_id: str, roles: frozenset[str]) -> None:
    """Raises a `JournaledRefusal`, `NotFound`."""
    _, profile = await lock_client_for_edit(work, client_id, roles)
    if _find_contact(profile, contact_id) is None:
        raise NotFound
    contacts = [contact for contact in profile.contacts if contact.id != contact_id]
    await _save_contacts(work, client_id, profile, contacts)


def _find_contact(profile: Profile, contact_id: str) -> Contact | None:
    return next((contact for contact in profile.contacts if contact.id == contact_id), None)


async def _save_contacts(work: UnitOfWork, client_id: str, profile: Profile, contacts: Sequence[Contact]) -> None:
    await update_profiles(work, {client_id: replace(profile, contacts=contacts)})
    await announce_changed_clients(work, client_id)
