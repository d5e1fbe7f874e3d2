"""Registering, changing and reading clients."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.clients.access.handlers import (
    decide_and_journal,
    find_actor_exclusion,
    get_list_reason,
    get_page_client_ids,
    lock_for_client_work,
)
from services.clients.access.store.actor import is_headed_by_actor
from services.clients.holdings.store.owners import list_owner_history, lock_clients
from services.clients.journal.store.entries import insert_clients_entry, insert_journal_entry
from services.clients.names.handlers import accept_any_client_id, claim_external_ids
from services.clients.names.rules import apply_external_id_changes
from services.clients.names.store import get_client_id, list_merged_client_ids
from services.clients.permissions.rules import ALLOWING_REASONS
from services.clients.register import rules, store
from shared.contracts.clients import ClientChanged, ClientRegistered
from shared.database import UnitOfWork
from shared.errors import Exists, Forbidden, HoldfastError, Refused, Unprocessable
from shared.ids import uuid7
from shared.paging import Paging
from shared.people.rules import Person, UnknownEmployee, require_able_to_own
from shared.people.store import lock_people

VersionCheck = Any  # of the door: raises `Stale` unless the version is the wanted one


class UnknownOwner(Refused, code="unknown_owner"):
    """No employee with the id given as owner works here. Register them in `staff` first; it takes a moment to arrive."""


class NothingToFind(Unprocessable, code="nothing_to_find"):
    """Look for a word, a mail address or a phone number: `q` has neither a letter nor a digit."""


class ClientAlreadyErased(Refused, code="erased"):
    """Who this client was has been erased, and the id belongs to nobody any more. Register a client under another id."""


class ClientAlreadyMerged(Refused, code="merged"):
    """This client was merged into another, for which its id stands now. Change that one under its own id."""


class NotYourClient(Forbidden, code="not_yours"):
    """You may register clients only for yourself, or as head for those in your departments."""


def announce_registered_clients(work: UnitOfWork, rows: Sequence[store.Registration]) -> None:
    """One event: of the client, or in bulk."""
    if len(rows) == 1:
        work.publish(ClientRegistered(client_id=rows[0].client_id, to_id=rows[0].owner_id, sequence=1))
    elif rows:
        # One validation of all is much faster than one of each.
        owned = [{"client_id": row.client_id, "to_id": row.owner_id, "sequence": 1} for row in rows]
        work.publish(ClientRegistered.model_validate({"batch_id": uuid7(), "items": owned}))


async def register_client(work: UnitOfWork, row: store.Registration, roles: frozenset[str]) -> Mapping[str, Any]:
    """Registers a client; the same again gives the same answer.

    Raises `PolicyNotAcknowledged`, `NotYours`, `Exists`, `UnknownOwner`, `UnknownEmployee` (of the team), `NotEmployed`, `Frozen`,
    `ExternalIdTaken`, `Merged`.
    """
    rows = await lock_for_client_work(work, row.people)
    if not (
        roles & {"service", "director"}
        or row.owner_id == work.actor
        or ("sales_head" in roles and await is_headed_by_actor(work, row.owner_id))
    ):
        raise NotYourClient
    known = (await lock_clients(work, [row.client_id])).get(row.client_id)
    if known is None:
        for person in row.people:
            try:
                require_able_to_own(rows, person)
            except UnknownEmployee:
                raise (UnknownOwner if person == row.owner_id else UnknownEmployee) from None
        if await list_merged_client_ids(work, [row.client_id]):
            raise ClientAlreadyMerged
        await claim_external_ids(work, row.client_id, {}, row.external_ids)
        if await store.insert_clients(work, [row], imported=False):
            announce_registered_clients(work, [row])
        else:  # somebody else registered it since we looked
            known = (await lock_clients(work, [row.client_id]))[row.client_id]
    if known is not None and (
        known["fingerprint"] != row.fingerprint
        or await decide_and_journal(work, row.client_id, "read", roles) not in ALLOWING_REASONS
    ):
        raise Exists
    return await store.get_client(work, row.client_id)


@accept_any_client_id
async def read_client(work: UnitOfWork, client_id: str, roles: frozenset[str]) -> Mapping[str, Any]:
    """The client, or `{"refused": reason}`: a refusal must be committed too, since it is in the journal."""
    reason = await decide_and_journal(work, client_id, "read", roles)
    return await store.get_client(work, client_id) if reason in ALLOWING_REASONS else {"refused": reason}


async def read_client_history(work: UnitOfWork, ref: str, roles: frozenset[str], paging: Paging) -> Any:
    """Of a client that was merged its own, for whoever may read the one that it is part of."""
    client_id = ref if "~" not in ref else await get_client_id(work, ref)
    reason = await decide_and_journal(work, client_id, "read", roles)
    if reason == "unknown_client" and (into := await get_client_id(work, client_id)) != client_id:
        reason = await decide_and_journal(work, into, "read", roles)
    return await list_owner_history(work, client_id, paging) if reason in ALLOWING_REASONS else {"refused": reason}


async def list_clients(
    work: UnitOfWork,
    roles: frozenset[str],
    paging: Paging,
    owner_id: str | None,
    unowned: bool | None,
    looked_for: str | None,
    status: str | None = None,
) -> Any:
    """A page of clients, or `{"refused": reason}`; either is in the journal. Raises `NothingToFind`."""
    wanted = None if looked_for is None else rules.build_search_query(looked_for)
    if looked_for is not None and wanted is None:
        raise NothingToFind
    refused = await find_actor_exclusion(work)
    if refused is not None:
        await insert_journal_entry(work, "client.listed", employee_id=work.actor, action="list", reason=refused)
        return {"refused": refused}
    rows = await store.list_visible_clients(work, roles, "list", paging, owner_id, unowned, wanted, status)
    await insert_clients_entry(work, "client.listed", "list", get_list_reason(roles), get_page_client_ids(rows, paging))
    return rows


@accept_any_client_id
async def change_client(
    work: UnitOfWork, client_id: str, changes: Mapping[str, Any], roles: frozenset[str], check_version: VersionCheck
) -> Mapping[str, Any]:
    """Changes what the caller gave of the profile. Raises `Stale`, `Erased`, `ExternalIdTaken`."""
    await lock_people(work, holding=[work.actor])
    known = (await lock_clients(work, [client_id])).get(client_id)
    reason = await decide_and_journal(work, client_id, "edit", roles)
    if known is None or reason not in ALLOWING_REASONS:
        return {"refused": reason}
    if known["erased"]:
        raise ClientAlreadyErased
    check_version(known["version"])
    if changes:
        await store.update_profile(work, client_id, await _prepare_changes(work, client_id, changes))
        await announce_changed_clients(work, client_id)
    return await store.get_client(work, client_id)


async def _prepare_changes(work: UnitOfWork, client_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Contacts keep the ids that they have; external ids are claimed. Raises `ExternalIdTaken`."""
    fitted = dict(changes)
    if fitted.keys() & {"contacts", "external_ids"}:
        before = (await store.list_profiles(work, [client_id]))[client_id]
        if "contacts" in fitted:
            fitted["contacts"] = rules.assign_contact_ids(fitted["contacts"], before["contacts"], uuid7)
        if "external_ids" in fitted:
            fitted["external_ids"] = apply_external_id_changes(before["external_ids"], fitted["external_ids"])
            await claim_external_ids(work, client_id, before["external_ids"], fitted["external_ids"])
    return fitted


async def announce_changed_clients(work: UnitOfWork, *client_ids: str) -> None:
    work.publish(
        *(
            ClientChanged(
                client_id=row["id"],
                owner_id=row["record_owner_id"] or row["owner_id"],
                value=f"{row['value']:.2f}",
                effort=row["effort"],
                regions=row["regions"],
                languages=row["languages"],
                team=row["team"],
                status=row["status"],
                expected_value=format_money(row["expected_value"]),
            )
            for row in await store.list_clients_by_id(work, client_ids)
        )
    )


def format_money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def find_owner_refusal(rows: Mapping[str, Person], employee_id: str) -> str | None:
    """Why this person may not be given clients, if so."""
    try:
        require_able_to_own(rows, employee_id)
    except HoldfastError as refusal:
        return refusal.code
    return None
