"""Registering, changing and reading clients."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.clients.domain import search
from services.clients.domain.access import ALLOWED, Action
from services.clients.domain.contacts import identified
from services.clients.handlers.acting import lock_for_clients
from services.clients.handlers.naming import by_any_id
from services.clients.handlers.policies import shut_out
from services.clients.store import clients, decisions, freezes, journal, profiles, refs, team
from services.clients.store.clients import Registration
from shared.contracts.clients import ClientChanged, ClientRegistered
from shared.database import UnitOfWork
from shared.errors import Exists, Forbidden, Refused, Unprocessable
from shared.ids import uuid7
from shared.paging import Paging
from shared.people.rules import UnknownEmployee, require_able_to_own
from shared.people.store import lock_people

Check = Any  # of the door: raises `Stale` unless the version is the wanted one


class UnknownOwner(Refused, code="unknown_owner"):
    """No employee with the id given as owner works here. Register them in `staff` first; it takes a moment to arrive."""


class NothingToFind(Unprocessable, code="nothing_to_find"):
    """Look for a word, a mail address or a phone number: `q` has neither a letter nor a digit."""


class Erased(Refused, code="erased"):
    """Who this client was has been erased, and the id belongs to nobody any more. Register a client under another id."""


class Merged(Refused, code="merged"):
    """This client was merged into another, for which its id stands now. Change that one under its own id."""


class ExternalIdTaken(Refused, code="external_id_taken"):
    """Another client has this id in the system that is named."""


class NotYours(Forbidden, code="not_yours"):
    """You may register clients only for yourself, or as head for those in your departments."""


def announce_registered(work: UnitOfWork, rows: Sequence[Registration]) -> None:
    """One event: of the client, or in bulk."""
    if len(rows) == 1:
        work.publish(ClientRegistered(client_id=rows[0].client_id, to_id=rows[0].owner_id, sequence=1))
    elif rows:
        # One validation of all is much faster than one of each.
        owned = [{"client_id": row.client_id, "to_id": row.owner_id, "sequence": 1} for row in rows]
        work.publish(ClientRegistered.model_validate({"batch_id": uuid7(), "items": owned}))


async def register(work: UnitOfWork, row: Registration, roles: frozenset[str]) -> Mapping[str, Any]:
    """Registers a client; the same again gives the same answer.

    Raises `PolicyNotAcknowledged`, `NotYours`, `Exists`, `UnknownOwner`, `UnknownEmployee` (of the team), `NotEmployed`, `Frozen`,
    `ExternalIdTaken`, `Merged`.
    """
    rows = await lock_for_clients(work, row.people)
    if not (
        roles & {"service", "director"}
        or row.owner_id == work.actor
        or ("sales_head" in roles and await freezes.heads(work, row.owner_id))
    ):
        raise NotYours
    known = (await clients.lock(work, [row.client_id])).get(row.client_id)
    if known is None:
        for person in row.people:
            try:
                require_able_to_own(rows, person)
            except UnknownEmployee:
                raise (UnknownOwner if person == row.owner_id else UnknownEmployee) from None
        if await refs.merged(work, [row.client_id]):
            raise Merged
        await call(work, row.client_id, {}, row.external_ids)
        if await clients.insert(work, [row], imported=False):
            announce_registered(work, [row])
        else:  # somebody else registered it since we looked
            known = (await clients.lock(work, [row.client_id]))[row.client_id]
    if known is not None and (
        known["fingerprint"] != row.fingerprint or await decide(work, row.client_id, "read", roles) not in ALLOWED
    ):
        raise Exists
    return await clients.one(work, row.client_id)


async def call(work: UnitOfWork, client_id: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Takes over what other systems call a client. Raises `ExternalIdTaken`."""
    taken = await refs.change(work, {client_id: (before, after)})
    if taken:
        raise ExternalIdTaken(system=taken[client_id])


@by_any_id
async def read(work: UnitOfWork, client_id: str, roles: frozenset[str]) -> Mapping[str, Any]:
    """The client, or `{"refused": reason}`: a refusal must be committed too, since it is in the journal."""
    reason = await decide(work, client_id, "read", roles)
    return await clients.one(work, client_id) if reason in ALLOWED else {"refused": reason}


async def history(work: UnitOfWork, ref: str, roles: frozenset[str], paging: Paging) -> Any:
    """Of a client that was merged its own, for whoever may read the one that it is part of."""
    client_id = ref if "~" not in ref else await refs.real(work, ref)
    reason = await decide(work, client_id, "read", roles)
    if reason == "unknown_client" and (into := await refs.real(work, client_id)) != client_id:
        reason = await decide(work, into, "read", roles)
    return await clients.history(work, client_id, paging) if reason in ALLOWED else {"refused": reason}


async def decide(work: UnitOfWork, client_id: str, action: Action, roles: frozenset[str]) -> str:
    """The decision on the caller's request, journaled."""
    reason = await decisions.decide_for_caller(work, roles, client_id, action)
    await journal.write_decision(work, action, reason, client_id)
    return reason


async def list_visible(
    work: UnitOfWork,
    roles: frozenset[str],
    paging: Paging,
    owner_id: str | None,
    unowned: bool | None,
    looked_for: str | None,
    status: str | None = None,
) -> Any:
    """A page of clients, or `{"refused": reason}`; either is in the journal. Raises `NothingToFind`."""
    wanted = None if looked_for is None else search.wanted(looked_for)
    if looked_for is not None and wanted is None:
        raise NothingToFind
    refused = await shut_out(work)
    if refused is not None:
        await journal.write(work, "client.listed", employee_id=work.actor, action="list", reason=refused)
        return {"refused": refused}
    rows = await clients.visible(work, roles, "list", paging, owner_id, unowned, wanted, status)
    await journal.write_page(work, "client.listed", "list", widest(roles), ids(rows, paging))
    return rows


def widest(roles: frozenset[str]) -> str:
    """What a page rests on: its clients may each have a reason of their own."""
    return "service" if "service" in roles else "head" if roles & {"director", "sales_head"} else "owner"


def ids(rows: Iterable[Mapping[str, Any]], paging: Paging) -> list[str]:
    return [row["id"] for row in rows][: paging.limit]


@by_any_id
async def change(
    work: UnitOfWork, client_id: str, changes: Mapping[str, Any], roles: frozenset[str], check_version: Check
) -> Mapping[str, Any]:
    """Changes what the caller gave of the profile. Raises `Stale`, `Erased`, `ExternalIdTaken`."""
    await lock_people(work, holding=[work.actor])
    known = (await clients.lock(work, [client_id])).get(client_id)
    reason = await decide(work, client_id, "edit", roles)
    if known is None or reason not in ALLOWED:
        return {"refused": reason}
    if known["erased"]:
        raise Erased
    check_version(known["version"])
    if changes:
        await team.change_profile(work, client_id, await _fitted(work, client_id, changes))
        await announce_changed(work, client_id)
    return await clients.one(work, client_id)


async def _fitted(work: UnitOfWork, client_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Contacts keep the ids that they have; external ids are claimed. Raises `ExternalIdTaken`."""
    fitted = dict(changes)
    if fitted.keys() & {"contacts", "external_ids"}:
        before = (await profiles.these(work, [client_id]))[client_id]
        if "contacts" in fitted:
            fitted["contacts"] = identified(fitted["contacts"], before["contacts"], uuid7)
        if "external_ids" in fitted:
            fitted["external_ids"] = refs.told(before["external_ids"], fitted["external_ids"])
            await call(work, client_id, before["external_ids"], fitted["external_ids"])
    return fitted


async def announce_changed(work: UnitOfWork, *client_ids: str) -> None:
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
                expected_value=money(row["expected_value"]),
            )
            for row in await clients.these(work, client_ids)
        )
    )


def money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


async def append_journal(work: UnitOfWork, envelope: Any) -> None:
    """What another service decided goes into the one journal."""
    await journal.append(work, envelope.data)
