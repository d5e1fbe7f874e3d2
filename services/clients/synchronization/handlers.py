"""What other systems send again and again: clients as they are there, one or many, created or replaced."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from services.clients.access.handlers import lock_for_client_work
from services.clients.access.store.actor import list_headed_by_actor
from services.clients.access.store.decision import list_actor_decisions
from services.clients.holdings.store.owners import lock_clients
from services.clients.holdings.store.teams import replace_teams
from services.clients.journal.store.entries import insert_clients_entry
from services.clients.names.handlers import ExternalIdTaken
from services.clients.names.rules import apply_external_id_changes
from services.clients.names.store import list_client_ids_by_ref, update_external_ids
from services.clients.permissions.rules import ALLOWING_REASONS
from services.clients.register.handlers import (
    ClientAlreadyErased,
    ClientAlreadyMerged,
    NotYourClient,
    UnknownOwner,
    announce_changed_clients,
    announce_registered_clients,
    find_owner_refusal,
    format_money,
)
from services.clients.register.rules import assign_contact_ids
from services.clients.register.store import (
    Registration,
    build_registration,
    get_client,
    insert_clients,
    list_profiles,
    replace_profiles,
)
from shared.database import UnitOfWork
from shared.errors import Exists, HoldfastError, Refused, Unprocessable
from shared.ids import uuid7
from shared.people.rules import Frozen, NotEmployed, Person, UnknownEmployee


class OwnershipByTransfer(Refused, code="ownership_by_transfer"):
    """Who is responsible for a client is mastered here: it changes by `POST /transfers` only. Leave `owner_id` out."""


class OwnerIdMissing(Unprocessable, code="owner_missing"):
    """There is no such client yet; to create it, say its `owner_id`."""


class ContradictingExternalId(Unprocessable, code="contradicting_id"):
    """`external_ids` gives the client another id in the system by whose id it is put. Leave that system out."""


class RepeatedInBatch(Refused, code="repeated"):
    """This client was in the same batch before."""


REFUSAL_ERRORS: Mapping[str, type[HoldfastError]] = {
    refusal.code: refusal
    for refusal in (
        *(
            ContradictingExternalId,
            OwnershipByTransfer,
            OwnerIdMissing,
            RepeatedInBatch,
            ClientAlreadyErased,
            ExternalIdTaken,
            ClientAlreadyMerged,
            NotYourClient,
        ),
        *(UnknownOwner, Exists, UnknownEmployee, NotEmployed, Frozen),
    )
}

PROFILE_FIELDS = ("name", "value", "expected_value", "status", "effort", "regions", "languages")


class WantedClient(NamedTuple):
    """A client as another system has it. `profile` is JSON; `owner_id` and `team` are None where they were left out."""

    ref: str
    profile: Mapping[str, Any]
    owner_id: str | None
    team: Mapping[str, str] | None
    external_ids: Mapping[str, str | None]


class PutResult(NamedTuple):
    """What became of it: `created`, `updated`, `unchanged`, or `refused` with a reason."""

    client_id: str | None
    outcome: str
    reason: str | None = None
    system: str | None = None


@dataclass(frozen=True)
class PresentState:
    """What is known of the clients that were asked for, and of the people named; all of them locked."""

    known: Mapping[str, Mapping[str, Any]]
    before: Mapping[str, Mapping[str, Any]]
    decided: Mapping[str, str]
    people: Mapping[str, Person]
    headed: frozenset[str]
    merged: frozenset[str]
    actor: str


async def put_clients(
    work: UnitOfWork,
    wanted: Sequence[WantedClient],
    roles: frozenset[str],
    check: Callable[[int | None], None] | None = None,
) -> list[PutResult]:
    """Creates or replaces up to 1,000 clients by a handful of statements. What is not changed gets no new version.

    Raises `YouAreFrozen`, `PolicyNotAcknowledged`, and what `check` does, which is given the version of a client, or None
    of one that is not there.
    """
    named = await list_client_ids_by_ref(work, (one.ref for one in wanted))
    ids = [_get_client_id(one, named) for one in wanted]
    involved = {person for one in wanted for person in (one.owner_id, *(one.team or {}).values()) if person}
    rows = await lock_for_client_work(work, involved)
    known = await lock_clients(work, sorted(set(ids)))
    owners = {one.owner_id for one, id in zip(wanted, ids, strict=True) if one.owner_id and id not in known}
    present = PresentState(
        known,
        await list_profiles(work, known),
        await list_actor_decisions(work, roles, sorted(known), "edit") if known else {},
        rows,
        frozenset(owners if roles & {"service", "director"} else await _list_permitted_owners(work, roles, owners)),
        frozenset(named),
        work.actor,
    )
    if known:
        decided = [["edit", present.decided[id]] for id in known]
        reason = present.decided[ids[0]] if len(ids) == 1 else None
        await insert_clients_entry(work, "client.accessed", "edit", reason, list(known), {"decisions": decided})
    seen: set[str] = set()
    results: list[PutResult] = []
    for one, id in zip(wanted, ids, strict=True):
        reason = RepeatedInBatch.code if id in seen else _find_refusal(one, id, present)
        seen.add(id)
        if check is not None and reason not in ("not_yours", "exists", "action_not_allowed"):
            check(known[id]["version"] if id in known else None)
        results.append(
            PutResult(id if id in known else None, "refused", reason)
            if reason
            else _compare_with_present(one, id, present)
        )
    return await _save(work, list(zip(wanted, ids, results, strict=True)), present)


async def put_client(
    work: UnitOfWork, one: WantedClient, roles: frozenset[str], check: Callable[[int | None], None]
) -> tuple[PutResult, Mapping[str, Any]]:
    """Creates or replaces a client; what became of it, and the client unless it was refused."""
    (result,) = await put_clients(work, [one], roles, check)
    return result, {} if result.client_id is None or result.reason else await get_client(work, result.client_id)


def _get_client_id(one: WantedClient, named: Mapping[str, str]) -> str:
    """The id behind the reference. Who was merged keeps the old one here: it is refused, and nobody else is meant."""
    if "~" in one.ref:
        return named.get(one.ref) or uuid7()
    return one.ref


async def _list_permitted_owners(work: UnitOfWork, roles: frozenset[str], owners: set[str]) -> set[str]:
    """For which of these people the caller may register clients."""
    headed = await list_headed_by_actor(work, owners) if "sales_head" in roles else set()
    return headed | ({work.actor} & owners)


def _find_refusal(one: WantedClient, id: str, present: PresentState) -> str | None:
    known = present.known.get(id)
    system, _, there = one.ref.partition("~")
    if there and one.external_ids.get(system, there) != there:
        return ContradictingExternalId.code
    if known is None:
        if one.ref in present.merged:
            return ClientAlreadyMerged.code
        if one.owner_id is None:
            return OwnerIdMissing.code
        if one.owner_id not in present.headed:
            return NotYourClient.code
        reason = find_owner_refusal(present.people, one.owner_id)
        if reason:
            return UnknownOwner.code if reason == UnknownEmployee.code else reason
    else:
        if present.decided[id] not in ALLOWING_REASONS:
            return "action_not_allowed" if present.decided[id] == "action_not_allowed" else Exists.code
        if known["erased"]:
            return ClientAlreadyErased.code
        if one.owner_id not in (None, known["owner_id"], known["stand_in_id"]):
            return OwnershipByTransfer.code
    placed = present.before[id]["team"] if known else {}
    newcomers = [person for function, person in (one.team or {}).items() if placed.get(function) != person]
    return next((reason for person in newcomers if (reason := find_owner_refusal(present.people, person))), None)


def _compare_with_present(one: WantedClient, id: str, present: PresentState) -> PutResult:
    before = present.before.get(id)
    if before is None:
        return PutResult(id, "created")
    return PutResult(
        id,
        "unchanged" if _comparable_fields(before) == _comparable_fields(_apply_to_present(one, before)) else "updated",
    )


def _apply_to_present(one: WantedClient, before: Mapping[str, Any]) -> dict[str, Any]:
    """The whole of a client that is there, as it is to be."""
    return {
        **one.profile,
        "contacts": assign_contact_ids(one.profile["contacts"], before["contacts"], uuid7),
        "external_ids": apply_external_id_changes(before["external_ids"], one.external_ids),
        "team": dict(before["team"] if one.team is None else one.team),
    }


def _comparable_fields(client: Mapping[str, Any]) -> dict[str, Any]:
    """In a form in which what is kept and what was sent can be compared."""

    def amount(value: Any) -> Any:
        return value if value is None or isinstance(value, str) else format_money(value)

    said = {name: client[name] for name in (*PROFILE_FIELDS, "contacts", "external_ids", "team")}
    return {**said, "value": amount(said["value"]), "expected_value": amount(said["expected_value"])}


async def _save(
    work: UnitOfWork, items: Sequence[tuple[WantedClient, str, PutResult]], present: PresentState
) -> list[PutResult]:
    called = {
        id: ((before := present.before.get(id, {"external_ids": {}})["external_ids"]), _external_ids_after(one, before))
        for one, id, result in items
        if result.outcome in ("created", "updated")
    }
    taken = await update_external_ids(work, called)
    results = [
        PutResult(id if id in present.known else None, "refused", ExternalIdTaken.code, taken[id])
        if id in taken and result.outcome != "refused"
        else result
        for _, id, result in items
    ]
    todo = [(one, id, result.outcome) for (one, id, _), result in zip(items, results, strict=True)]
    created = [_to_registration(one, id, called[id][1]) for one, id, outcome in todo if outcome == "created"]
    if created:
        made = await insert_clients(work, created, imported=False)
        announce_registered_clients(work, [row for row in created if row.client_id in made])
        missed = {row.client_id: row.external_ids for row in created if row.client_id not in made}
        if missed:  # somebody else registered them since we looked: they are called what that one says
            present_now = await list_profiles(work, missed)
            await update_external_ids(work, {id: (missed[id], row["external_ids"]) for id, row in present_now.items()})
            results = [
                PutResult(one.client_id, "refused", Exists.code) if one.client_id in missed else one for one in results
            ]
    updated = {id: _apply_to_present(one, present.before[id]) for one, id, outcome in todo if outcome == "updated"}
    if updated:
        teams = {id: whole["team"] for id, whole in updated.items() if whole["team"] != present.before[id]["team"]}
        await replace_teams(work, teams)
        changed = {place[1] for id, now in teams.items() for place in present.before[id]["team"].items() ^ now.items()}
        if changed:
            await insert_clients_entry(work, "team.placed", "edit", None, list(teams), employees=sorted(changed))
        bodies = [(json.dumps({**whole, "id": id}), None) for id, whole in updated.items()]
        await replace_profiles(work, "client.changed", bodies)
        await announce_changed_clients(work, *updated)
    return results


def _external_ids_after(one: WantedClient, before: Mapping[str, str]) -> dict[str, str]:
    """What other systems call the client from now on: also what it was put under."""
    system, _, id = one.ref.partition("~")
    return apply_external_id_changes(before, {**({system: id} if id and not before else {}), **one.external_ids})


def _to_registration(one: WantedClient, id: str, external_ids: Mapping[str, str]) -> Registration:
    body = {**one.profile, "id": id, "owner_id": one.owner_id, "team": one.team or {}, "external_ids": external_ids}
    return build_registration(id, str(one.owner_id), one.team or {}, json.dumps(body))
