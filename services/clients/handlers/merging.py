"""Two clients that are one."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from services.clients.domain.access import ALLOWED
from services.clients.domain.contacts import MOST, together
from services.clients.handlers.acting import lock_with_actor
from services.clients.handlers.clients import Erased, announce_changed, decide
from services.clients.handlers.contacts import TooManyContacts
from services.clients.store import clients, freezes, journal, merging, profiles, refs
from shared.contracts.clients import ClientMerged
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound, Refused
from shared.ids import uuid7


class IntoItself(Refused, code="into_itself"):
    """A client cannot be merged into itself. Say as `into_id` which other client it is."""


class InHandover(Refused, code="in_handover"):
    """The owner of one of these clients is frozen or is being handed over from. Merge them when that is over."""


class NotBothYours(Forbidden, code="not_both_yours"):
    """You may merge clients only where you head the owners of both."""


async def merge(work: UnitOfWork, ref: str, into_ref: str, roles: frozenset[str]) -> Mapping[str, Any]:
    """All that hangs on the client goes to the other, which is returned; again gives the same answer.

    Or `{"refused": reason}`. Raises `NotFound`, `IntoItself`, `InHandover`, `NotBothYours`, `Erased`, `TooManyContacts`.
    """
    named = await refs.resolve(work, [ref, into_ref])
    client_id, into_id = ref if "~" not in ref else named.get(ref, ref), named.get(into_ref, into_ref)
    if client_id == into_id:
        if ref in (into_ref, into_id):
            raise IntoItself
        reason = await decide(work, into_id, "read", roles)  # they were made one before
        return await clients.one(work, into_id) if reason in ALLOWED else {"refused": reason}
    owned = await merging.owners(work, [client_id, into_id])
    await lock_with_actor(work, holding=[one["owner_id"] for one in owned.values()])
    known = await clients.lock(work, sorted([client_id, into_id]))
    now = await merging.owners(work, [client_id, into_id])
    same = {id: one["owner_id"] for id, one in now.items()} == {id: one["owner_id"] for id, one in owned.items()}
    if not same or await refs.resolve(work, [ref, into_ref]) != named:
        raise asyncpg.SerializationError("an owner or a name changed before the lock")
    for one in (client_id, into_id):
        if one in known or one == into_id:
            reason = await decide(work, one, "read", roles)
            if reason not in ALLOWED:
                return {"refused": reason}
    if client_id not in known:
        if named.get(client_id) != into_id:
            raise NotFound
        return await clients.one(work, into_id)  # it was merged before
    headed = await freezes.headed(work, [one["owner_id"] for one in now.values()])
    if not roles & {"director", "service"} and {one["owner_id"] for one in now.values()} - headed:
        raise NotBothYours
    if any(one["erased"] for one in known.values()):
        raise Erased
    if any(one["in_handover"] for one in now.values()):
        raise InHandover
    before = await profiles.these(work, [client_id, into_id])
    contacts = together(before[into_id]["contacts"], before[client_id]["contacts"], uuid7)
    if len(contacts) > MOST:
        raise TooManyContacts
    called = {**before[client_id]["external_ids"], **before[into_id]["external_ids"]}
    leaf = await journal.write_page(work, "client.merged", "edit", "service", [client_id, into_id])
    await merging.merge(work, client_id, into_id, contacts, called, leaf)
    work.publish(ClientMerged(client_id=client_id, into_id=into_id, owner_id=now[into_id]["owner_id"]))
    await announce_changed(work, into_id)
    return await clients.one(work, into_id)
