"""Two clients that are one."""

from dataclasses import replace

import asyncpg

from services.clients.access.handlers import lock_people_and_require_active_actor, require_access
from services.clients.contacts.handlers import TooManyContacts
from services.clients.copies.store import merge_orders
from services.clients.erasure.store import merge_erasures_of_contacts
from services.clients.holdings.store.owners import list_owners, lock_clients, merge_holdings
from services.clients.holdings.store.teams import merge_teams
from services.clients.imports.store import merge_digests
from services.clients.journal.store import insert_clients_entry
from services.clients.names.store import list_client_ids_by_other_name, merge_names
from services.clients.passes.store import merge_passes
from services.clients.register.handlers import ClientAlreadyErased, announce_changed_clients
from services.clients.register.rules import MAX_CONTACTS, Client, merge_contacts
from services.clients.register.store import delete_profile, get_client, list_profiles, update_profiles
from services.clients.relationships.store import merge_relationships
from services.clients.risks.store import delete_client_risk
from shared.contracts.clients import ClientMerged
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound, Refused
from shared.ids import uuid7
from shared.people.store import list_headed_by_actor


class MergeIntoItself(Refused, code="into_itself"):
    """A client cannot be merged into itself. Say as `into_id` which other client it is."""


class OwnerInHandover(Refused, code="in_handover"):
    """The owner of one of these clients is frozen or is being handed over from. Merge them when that is over."""


class NotHeadOfBothOwners(Forbidden, code="not_both_yours"):
    """You may merge clients only where you head the owners of both."""


async def merge_clients(work: UnitOfWork, ref: str, into_ref: str, roles: frozenset[str]) -> Client:
    """All that hangs on the client goes to the other, which is returned; again gives the same answer.

    Raises a `JournaledRefusal`, `NotFound`, `MergeIntoItself`, `OwnerInHandover`, `NotHeadOfBothOwners`, `ClientAlreadyErased`,
    `TooManyContacts`.
    """
    ids = await list_client_ids_by_other_name(work, [ref, into_ref])
    client_id, into_id = ref if "~" not in ref else ids.get(ref, ref), ids.get(into_ref, into_ref)
    if client_id == into_id:
        if ref in (into_ref, into_id):
            raise MergeIntoItself
        await require_access(work, into_id, "read", roles)  # they were made one before
        return await get_client(work, into_id)
    seen = await list_owners(work, [client_id, into_id])
    await lock_people_and_require_active_actor(work, for_share=[owner.owner_id for owner in seen.values()])
    known = await lock_clients(work, sorted([client_id, into_id]))
    owners = await list_owners(work, [client_id, into_id])
    owner_ids = {id: owner.owner_id for id, owner in owners.items()}
    if (
        owner_ids != {id: owner.owner_id for id, owner in seen.items()}
        or await list_client_ids_by_other_name(work, [ref, into_ref]) != ids
    ):
        raise asyncpg.SerializationError("an owner or a name changed before the lock")
    if client_id in known:
        await require_access(work, client_id, "read", roles)
    await require_access(work, into_id, "read", roles)
    if client_id not in known:
        if ids.get(client_id) != into_id:
            raise NotFound
        return await get_client(work, into_id)  # it was merged before
    headed = await list_headed_by_actor(work, owner_ids.values())
    if not roles & {"director", "service"} and set(owner_ids.values()) - headed:
        raise NotHeadOfBothOwners
    if any(client.is_erased for client in known.values()):
        raise ClientAlreadyErased
    if any(owner.is_in_handover for owner in owners.values()):
        raise OwnerInHandover
    profiles = await list_profiles(work, [client_id, into_id])
    client, into = profiles[client_id], profiles[into_id]
    contacts = merge_contacts(into.contacts, client.contacts, uuid7)
    if len(contacts) > MAX_CONTACTS:
        raise TooManyContacts
    leaf = await insert_clients_entry(work, "client.merged", "edit", "service", [client_id, into_id])
    await update_profiles(
        work, {into_id: replace(into, contacts=contacts, external_ids={**client.external_ids, **into.external_ids})}
    )
    await _move_all(work, client_id, into_id, leaf)
    work.publish(ClientMerged(client_id=client_id, into_id=into_id, owner_id=owner_ids[into_id]))
    await announce_changed_clients(work, into_id)
    return await get_client(work, into_id)


async def _move_all(work: UnitOfWork, client_id: str, into_id: str, leaf: str) -> None:
    """What hangs on the client, subject by subject. Both clients, and their owners, were locked before."""
    await merge_names(work, client_id, into_id)
    await merge_orders(work, client_id, into_id)
    await merge_teams(work, client_id, into_id)
    await merge_passes(work, client_id, into_id)
    await merge_relationships(work, client_id, into_id)
    await merge_digests(work, client_id, into_id)
    await merge_erasures_of_contacts(work, client_id, into_id)
    await delete_client_risk(work, client_id)
    await delete_profile(work, client_id)
    await merge_holdings(work, client_id, into_id, leaf)
