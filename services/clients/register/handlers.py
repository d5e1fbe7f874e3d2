"""Registering, changing and reading clients."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from services.clients.access.handlers import (
    decide_and_journal,
    get_list_reason,
    lock_client_and_require_access,
    lock_people_for_client_work,
    make_refusal,
    require_access,
    require_actor_not_excluded,
)
from services.clients.holdings.store.owners import LockedClient, OwnerChange, list_owner_history, lock_clients
from services.clients.journal.store import insert_clients_entry
from services.clients.names.handlers import change_external_ids, with_resolved_client_id
from services.clients.names.store import get_client_id_or_ref, list_merged_client_ids
from services.clients.permissions.rules import ALLOWING_REASONS
from services.clients.register import rules, store
from shared.contracts.clients import ClientChanged, ClientRegistered
from shared.database import UnitOfWork
from shared.errors import Forbidden, HoldfastError, IdTaken, Refused, Unprocessable
from shared.ids import uuid7
from shared.paging import Paging
from shared.people.rules import Person, UnknownEmployee, require_may_be_given_work
from shared.people.store import is_headed_by_actor, lock_people

VersionCheck = Callable[[int], None]  # of the door: raises `Stale` unless the version is the wanted one


class UnknownOwner(Refused, code="unknown_owner"):
    """No employee with the id given as owner works here. Register them in `staff` first; it takes a moment to arrive."""


class NothingToSearchFor(Unprocessable, code="nothing_to_find"):
    """Look for a word, a mail address or a phone number: `q` has neither a letter nor a digit."""


class ClientAlreadyErased(Refused, code="erased"):
    """Who this client was has been erased, and the id belongs to nobody any more. Register a client under another id."""


class ClientAlreadyMerged(Refused, code="merged"):
    """This client was merged into another, for which its id stands now. Change that one under its own id."""


class MayNotRegisterForThisOwner(Forbidden, code="not_yours"):
    """You may register clients only for yourself, or as head for those in your departments."""


def announce_registered_clients(work: UnitOfWork, registrations: Sequence[rules.Registration]) -> None:
    """One event: of the client, or in bulk."""
    if len(registrations) == 1:
        new = registrations[0]
        work.publish(ClientRegistered(client_id=new.client_id, to_id=new.owner_id, sequence=1))
    elif registrations:
        # One validation of all is much faster than one of each.
        items = [{"client_id": new.client_id, "to_id": new.owner_id, "sequence": 1} for new in registrations]
        work.publish(ClientRegistered.model_validate({"batch_id": uuid7(), "items": items}))


async def register_client(work: UnitOfWork, new: rules.Registration, roles: frozenset[str]) -> rules.Client:
    """Registers a client; the same again gives the same answer.

    Raises `PolicyNotAcknowledged`, `MayNotRegisterForThisOwner`, `IdTaken`, `UnknownOwner`, `UnknownEmployee` (of the team),
    `NotEmployed`, `Frozen`, `ExternalIdTaken`, `ClientAlreadyMerged`.
    """
    people = await lock_people_for_client_work(work, new.people)
    if not (
        roles & {"service", "director"}
        or new.owner_id == work.actor
        or ("sales_head" in roles and await is_headed_by_actor(work, new.owner_id))
    ):
        raise MayNotRegisterForThisOwner
    known = (await lock_clients(work, [new.client_id])).get(new.client_id)
    if known is None:
        for person in new.people:
            try:
                require_may_be_given_work(people, person)
            except UnknownEmployee:
                raise (UnknownOwner if person == new.owner_id else UnknownEmployee) from None
        if await list_merged_client_ids(work, [new.client_id]):
            raise ClientAlreadyMerged
        await change_external_ids(work, new.client_id, {}, new.profile.external_ids)
        if await store.insert_clients(work, [new], is_import=False):
            announce_registered_clients(work, [new])
        else:  # somebody else registered it since we looked
            known = (await lock_clients(work, [new.client_id]))[new.client_id]
    if known is not None and (
        known.fingerprint != new.fingerprint
        or await decide_and_journal(work, new.client_id, "read", roles) not in ALLOWING_REASONS
    ):
        raise IdTaken
    return await store.get_client(work, new.client_id)


@with_resolved_client_id
async def read_client(work: UnitOfWork, client_id: str, roles: frozenset[str]) -> rules.Client:
    """Raises a `JournaledRefusal`."""
    await require_access(work, client_id, "read", roles)
    return await store.get_client(work, client_id)


async def read_client_history(work: UnitOfWork, ref: str, roles: frozenset[str], paging: Paging) -> list[OwnerChange]:
    """Of a client that was merged its own, for whoever may read the one that it is part of. Raises a `JournaledRefusal`."""
    client_id = ref if "~" not in ref else await get_client_id_or_ref(work, ref)
    reason = await decide_and_journal(work, client_id, "read", roles)
    if reason == "unknown_client" and (into_id := await get_client_id_or_ref(work, client_id)) != client_id:
        reason = await decide_and_journal(work, into_id, "read", roles)
    if reason not in ALLOWING_REASONS:
        raise make_refusal(reason)
    return await list_owner_history(work, client_id, paging)


async def list_clients(
    work: UnitOfWork,
    roles: frozenset[str],
    paging: Paging,
    owner_id: str | None,
    unowned: bool | None,
    text: str | None,
    status: str | None = None,
) -> list[rules.Client]:
    """A page of clients, of those in which `text` is found. Raises a `JournaledRefusal`, `NothingToSearchFor`."""
    query = None if text is None else rules.build_search_query(text)
    if text is not None and query is None:
        raise NothingToSearchFor
    await require_actor_not_excluded(work, "client.listed", "list")
    clients = await store.list_visible_clients(work, roles, "list", paging, owner_id, unowned, query, status)
    shown = [client.id for client in clients[: paging.limit]]
    await insert_clients_entry(work, "client.listed", "list", get_list_reason(roles), shown)
    return clients


@with_resolved_client_id
async def change_client(
    work: UnitOfWork,
    client_id: str,
    changes: rules.ProfileChanges,
    roles: frozenset[str],
    check_version: VersionCheck,
) -> rules.Client:
    """Changes what is given of the profile.

    Raises a `JournaledRefusal`, `Stale`, `ClientAlreadyErased`, `ExternalIdTaken`.
    """
    client, before = await lock_client_for_edit(work, client_id, roles)
    check_version(client.version)
    if changes:
        after = rules.change_profile(before, changes, uuid7)
        await change_external_ids(work, client_id, before.external_ids, after.external_ids)
        await store.update_profiles(work, {client_id: after})
        await announce_changed_clients(work, client_id)
    return await store.get_client(work, client_id)


async def lock_client_for_edit(
    work: UnitOfWork, client_id: str, roles: frozenset[str]
) -> tuple[LockedClient, rules.Profile]:
    """A client that the actor edits. Raises a `JournaledRefusal`, `ClientAlreadyErased`."""
    await lock_people(work, for_share=[work.actor])
    client = await lock_client_and_require_access(work, client_id, "edit", roles)
    if client.is_erased:
        raise ClientAlreadyErased
    return client, (await store.list_profiles(work, [client_id]))[client_id]


async def announce_changed_clients(work: UnitOfWork, *client_ids: str) -> None:
    work.publish(
        *(
            ClientChanged(
                client_id=client.id,
                owner_id=client.record_owner_id or client.owner_id,
                value=f"{client.value:.2f}",
                effort=client.effort,
                regions=list(client.regions),
                languages=list(client.languages),
                team=dict(client.team),
                status=client.status,
                expected_value=format_money(client.expected_value),
            )
            for client in await store.list_clients_by_id(work, client_ids)
        )
    )


def format_money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def find_work_refusal_code(people: Mapping[str, Person], employee_id: str) -> str | None:
    """The code of why this person may not be given a client or a place in a team; None if they may."""
    try:
        require_may_be_given_work(people, employee_id)
    except HoldfastError as refusal:
        return refusal.code
    return None
