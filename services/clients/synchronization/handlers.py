"""What other systems send again and again: clients as they are there, one or many, created or replaced."""

import json
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, replace
from typing import Literal

from services.clients.access.handlers import ActionNotAllowed, lock_people_for_client_work
from services.clients.access.store.decision import list_actor_decisions
from services.clients.holdings.store.owners import LockedClient, lock_clients
from services.clients.holdings.store.teams import replace_teams
from services.clients.journal.store import EntryDetails, insert_changed_clients_entry, insert_clients_entry
from services.clients.names.handlers import ExternalIdTaken
from services.clients.names.rules import apply_external_id_changes
from services.clients.names.store import list_client_ids_by_other_name, update_external_ids_and_list_taken
from services.clients.permissions.rules import ALLOWING_REASONS
from services.clients.register.handlers import (
    ClientAlreadyErased,
    ClientAlreadyMerged,
    MayNotRegisterForThisOwner,
    UnknownOwner,
    announce_changed_clients,
    announce_registered_clients,
    find_work_refusal_code,
)
from services.clients.register.rules import Client, Profile, Registration, assign_contact_ids, build_registration
from services.clients.register.store import get_client, insert_clients, list_profiles, update_profiles
from shared.database import UnitOfWork
from shared.errors import HoldfastError, IdTaken, JournaledRefusal, Refused, Unprocessable
from shared.ids import uuid7
from shared.people.rules import Frozen, NotEmployed, Person, UnknownEmployee
from shared.people.store import list_headed_by_actor


class OwnerChangesByTransferOnly(Refused, code="ownership_by_transfer"):
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
        *(ContradictingExternalId, OwnerChangesByTransferOnly, OwnerIdMissing, RepeatedInBatch, ClientAlreadyErased),
        *(ExternalIdTaken, ClientAlreadyMerged, MayNotRegisterForThisOwner, UnknownOwner, IdTaken),
        *(UnknownEmployee, NotEmployed, Frozen),
    )
}


@dataclass(frozen=True, slots=True)
class WantedClient:
    """A client as another system has it. `owner_id` and `team` are None where they were left out.

    The `profile` has neither team nor external ids: those stay that are not named.
    """

    ref: str
    profile: Profile
    owner_id: str | None
    team: Mapping[str, str] | None
    external_ids: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class PutResult:
    """What became of it. `reason`: why it is refused; `system_of_taken_id`: in which system its id is another client's."""

    client_id: str | None
    outcome: Literal["created", "updated", "unchanged", "refused"]
    reason: str | None = None
    system_of_taken_id: str | None = None


@dataclass(frozen=True, slots=True)
class PresentState:
    """What is known of the clients that were asked for, and of the people named; all of them locked.

    `decisions`: by client, why the actor may edit it or not. `permitted_owners`: for whom the actor may register clients.
    """

    clients: Mapping[str, LockedClient]
    profiles: Mapping[str, Profile]
    decisions: Mapping[str, str]
    people: Mapping[str, Person]
    permitted_owners: Set[str]
    merged_refs: Set[str]


async def put_clients(
    work: UnitOfWork,
    wanted: Sequence[WantedClient],
    roles: frozenset[str],
    check_version: Callable[[int | None], None] | None = None,
) -> list[PutResult]:
    """Creates or replaces up to 1,000 clients by a handful of statements. What is not changed gets no new version.

    Raises `YouAreFrozen`, `PolicyNotAcknowledged`, and what `check_version` does, which is given the version of a client,
    or None of one that is not there.
    """
    ids_by_ref = await list_client_ids_by_other_name(work, (one.ref for one in wanted))
    ids = [_get_client_id(one, ids_by_ref) for one in wanted]
    named = {person for one in wanted for person in (one.owner_id, *(one.team or {}).values()) if person}
    people = await lock_people_for_client_work(work, named)
    clients = await lock_clients(work, sorted(set(ids)))
    owners = {one.owner_id for one, id in zip(wanted, ids, strict=True) if one.owner_id and id not in clients}
    present = PresentState(
        clients,
        await list_profiles(work, clients),
        await list_actor_decisions(work, roles, sorted(clients), "edit") if clients else {},
        people,
        owners if roles & {"service", "director"} else await _list_permitted_owners(work, roles, owners),
        ids_by_ref.keys(),
    )
    if clients:
        reason = present.decisions[ids[0]] if len(ids) == 1 else None
        details: EntryDetails = {"decisions": [["edit", present.decisions[id]] for id in clients]}
        await insert_clients_entry(work, "client.accessed", "edit", reason, list(clients), details)
    seen: set[str] = set()
    results: list[PutResult] = []
    for one, id in zip(wanted, ids, strict=True):
        refusal = RepeatedInBatch.code if id in seen else _find_refusal(one, id, present)
        seen.add(id)
        if check_version is not None and refusal not in (
            MayNotRegisterForThisOwner.code,
            IdTaken.code,
            ActionNotAllowed.code,
        ):
            check_version(clients[id].version if id in clients else None)
        if refusal is not None:
            results.append(PutResult(id if id in clients else None, "refused", refusal))
        elif id not in clients:
            results.append(PutResult(id, "created"))
        else:
            before = present.profiles[id]
            results.append(PutResult(id, "unchanged" if _apply_to_present(one, before) == before else "updated"))
    return await _save(work, list(zip(wanted, ids, results, strict=True)), present)


async def put_client(
    work: UnitOfWork, wanted: WantedClient, roles: frozenset[str], check_version: Callable[[int | None], None]
) -> tuple[PutResult, Client]:
    """Creates or replaces a client; what became of it, and the client. Raises whatever it is refused for."""
    (result,) = await put_clients(work, [wanted], roles, check_version)
    if result.reason == ActionNotAllowed.code:
        raise JournaledRefusal(ActionNotAllowed())
    if result.client_id is None or result.reason is not None:
        named = {"system": result.system_of_taken_id} if result.system_of_taken_id else {}
        raise JournaledRefusal(REFUSAL_ERRORS[result.reason or IdTaken.code](**named))
    return result, await get_client(work, result.client_id)


def _get_client_id(wanted: WantedClient, ids_by_ref: Mapping[str, str]) -> str:
    """The id behind the reference. Who was merged keeps the old one here: it is refused, and nobody else is meant."""
    if "~" in wanted.ref:
        return ids_by_ref.get(wanted.ref) or uuid7()
    return wanted.ref


async def _list_permitted_owners(work: UnitOfWork, roles: frozenset[str], owners: set[str]) -> set[str]:
    """For which of these people the actor may register clients."""
    headed = await list_headed_by_actor(work, owners) if "sales_head" in roles else set()
    return headed | ({work.actor} & owners)


def _find_refusal(wanted: WantedClient, id: str, present: PresentState) -> str | None:
    client = present.clients.get(id)
    system, _, id_there = wanted.ref.partition("~")
    if id_there and wanted.external_ids.get(system, id_there) != id_there:
        return ContradictingExternalId.code
    if client is None:
        if wanted.ref in present.merged_refs:
            return ClientAlreadyMerged.code
        if wanted.owner_id is None:
            return OwnerIdMissing.code
        if wanted.owner_id not in present.permitted_owners:
            return MayNotRegisterForThisOwner.code
        refusal = find_work_refusal_code(present.people, wanted.owner_id)
        if refusal is not None:
            return UnknownOwner.code if refusal == UnknownEmployee.code else refusal
    else:
        decision = present.decisions[id]
        if decision not in ALLOWING_REASONS:
            return ActionNotAllowed.code if decision == "action_not_allowed" else IdTaken.code
        if client.is_erased:
            return ClientAlreadyErased.code
        if wanted.owner_id not in (None, client.owner_id, client.stand_in_id):
            return OwnerChangesByTransferOnly.code
    team = present.profiles[id].team if client else {}
    newcomers = [person for function, person in (wanted.team or {}).items() if team.get(function) != person]
    refusals = (find_work_refusal_code(present.people, person) for person in newcomers)
    return next((refusal for refusal in refusals if refusal is not None), None)


def _apply_to_present(wanted: WantedClient, before: Profile) -> Profile:
    """The whole of a client that is there, as it is to be."""
    return replace(
        wanted.profile,
        contacts=assign_contact_ids(wanted.profile.contacts, before.contacts, uuid7),
        external_ids=apply_external_id_changes(before.external_ids, wanted.external_ids),
        team=before.team if wanted.team is None else wanted.team,
    )


async def _save(
    work: UnitOfWork, judged: Sequence[tuple[WantedClient, str, PutResult]], present: PresentState
) -> list[PutResult]:
    external_ids = {}
    for wanted, id, result in judged:
        if result.outcome in ("created", "updated"):
            before = present.profiles[id].external_ids if id in present.profiles else {}
            external_ids[id] = (before, _external_ids_after(wanted, before))
    taken = await update_external_ids_and_list_taken(work, external_ids)
    results = [
        PutResult(id if id in present.clients else None, "refused", ExternalIdTaken.code, taken[id])
        if id in taken and result.outcome != "refused"
        else result
        for _, id, result in judged
    ]
    saved = [(wanted, id, result.outcome) for (wanted, id, _), result in zip(judged, results, strict=True)]
    created = [
        _make_registration(wanted, id, external_ids[id][1]) for wanted, id, outcome in saved if outcome == "created"
    ]
    if created:
        missed = await _insert(work, created)
        results = [
            PutResult(result.client_id, "refused", IdTaken.code) if result.client_id in missed else result
            for result in results
        ]
    updated = {
        id: _apply_to_present(wanted, present.profiles[id]) for wanted, id, outcome in saved if outcome == "updated"
    }
    if updated:
        await _update(work, updated, present.profiles)
    return results


async def _insert(work: UnitOfWork, registrations: Sequence[Registration]) -> Set[str]:
    """The ids of those that somebody else registered since we looked: they are called what that one says."""
    inserted = await insert_clients(work, registrations, is_import=False)
    announce_registered_clients(work, [new for new in registrations if new.client_id in inserted])
    missed = {new.client_id: new.profile.external_ids for new in registrations if new.client_id not in inserted}
    if missed:
        profiles = await list_profiles(work, missed)
        await update_external_ids_and_list_taken(
            work, {id: (missed[id], profile.external_ids) for id, profile in profiles.items()}
        )
    return missed.keys()


async def _update(work: UnitOfWork, updated: Mapping[str, Profile], before: Mapping[str, Profile]) -> None:
    teams = {id: profile.team for id, profile in updated.items() if profile.team != before[id].team}
    await replace_teams(work, teams)
    employees = {place[1] for id, team in teams.items() for place in before[id].team.items() ^ team.items()}
    if employees:
        await insert_clients_entry(work, "team.placed", "edit", None, list(teams), employees=sorted(employees))
    await update_profiles(work, updated)
    await insert_changed_clients_entry(work, "client.changed", list(updated))
    await announce_changed_clients(work, *updated)


def _external_ids_after(wanted: WantedClient, before: Mapping[str, str]) -> dict[str, str]:
    """What other systems call the client from now on: also what it was put under."""
    system, _, id = wanted.ref.partition("~")
    return apply_external_id_changes(before, {**({system: id} if id and not before else {}), **wanted.external_ids})


def _make_registration(wanted: WantedClient, id: str, external_ids: Mapping[str, str]) -> Registration:
    profile = replace(wanted.profile, external_ids=external_ids, team=wanted.team or {})
    body = json.dumps({**asdict(profile), "id": id, "owner_id": wanted.owner_id}, default=str)
    return build_registration(id, str(wanted.owner_id), profile, body)
