"""Two clients that are one."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from services.clients.access.handlers import decide_and_journal, lock_with_actor
from services.clients.access.store.actor import list_headed_by_actor
from services.clients.contacts.handlers import TooManyContacts
from services.clients.holdings.store.owners import list_owners, lock_clients
from services.clients.journal.store.entries import insert_clients_entry
from services.clients.merging import store
from services.clients.names.store import list_client_ids_by_ref
from services.clients.permissions.rules import ALLOWING_REASONS
from services.clients.register.handlers import ClientAlreadyErased, announce_changed_clients
from services.clients.register.rules import MAX_CONTACTS, merge_contacts
from services.clients.register.store import get_client, list_profiles
from shared.contracts.clients import ClientMerged
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound, Refused
from shared.ids import uuid7


class MergeIntoItself(Refused, code="into_itself"):
    """A client cannot be merged into itself. Say as `into_id` which other client it is."""


class OwnerInHandover(Refused, code="in_handover"):
    """The owner of one of these clients is frozen or is being handed over from. Merge them when that is over."""


class NotBothYours(Forbidden, code="not_both_yours"):
    """You may merge clients only where you head the owners of both."""


async def merge_clients(work: UnitOfWork, ref: str, into_ref: str, roles: frozenset[str]) -> Mapping[str, Any]:
    """All that hangs on the client goes to the other, which is returned; again gives the same answer.

    Or `{"refused": reason}`. Raises `NotFound`, `IntoItself`, `InHandover`, `NotBothYours`, `Erased`, `TooManyContacts`.
    """
    named = await list_client_ids_by_ref(work, [ref, into_ref])
    client_id, into_id = ref if "~" not in ref else named.get(ref, ref), named.get(into_ref, into_ref)
    if client_id == into_id:
        if ref in (into_ref, into_id):
            raise MergeIntoItself
        reason = await decide_and_journal(work, into_id, "read", roles)  # they were made one before
        return await get_client(work, into_id) if reason in ALLOWING_REASONS else {"refused": reason}
    owned = await list_owners(work, [client_id, into_id])
    await lock_with_actor(work, holding=[one["owner_id"] for one in owned.values()])
    known = await lock_clients(work, sorted([client_id, into_id]))
    now = await list_owners(work, [client_id, into_id])
    same = {id: one["owner_id"] for id, one in now.items()} == {id: one["owner_id"] for id, one in owned.items()}
    if not same or await list_client_ids_by_ref(work, [ref, into_ref]) != named:
        raise asyncpg.SerializationError("an owner or a name changed before the lock")
    for one in (client_id, into_id):
        if one in known or one == into_id:
            reason = await decide_and_journal(work, one, "read", roles)
            if reason not in ALLOWING_REASONS:
                return {"refused": reason}
    if client_id not in known:
        if named.get(client_id) != into_id:
            raise NotFound
        return await get_client(work, into_id)  # it was merged before
    headed = await list_headed_by_actor(work, [one["owner_id"] for one in now.values()])
    if not roles & {"director", "service"} and {one["owner_id"] for one in now.values()} - headed:
        raise NotBothYours
    if any(one["erased"] for one in known.values()):
        raise ClientAlreadyErased
    if any(one["in_handover"] for one in now.values()):
        raise OwnerInHandover
    before = await list_profiles(work, [client_id, into_id])
    contacts = merge_contacts(before[into_id]["contacts"], before[client_id]["contacts"], uuid7)
    if len(contacts) > MAX_CONTACTS:
        raise TooManyContacts
    called = {**before[client_id]["external_ids"], **before[into_id]["external_ids"]}
    leaf = await insert_clients_entry(work, "client.merged", "edit", "service", [client_id, into_id])
    await store.merge_clients(work, client_id, into_id, contacts, called, leaf)
    work.publish(ClientMerged(client_id=client_id, into_id=into_id, owner_id=now[into_id]["owner_id"]))
    await announce_changed_clients(work, into_id)
    return await get_client(work, into_id)
