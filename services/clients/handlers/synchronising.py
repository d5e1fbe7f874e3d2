"""What other systems send again and again: clients as they are there, one or many, created or replaced."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from services.clients.domain.access import ALLOWED
from services.clients.domain.contacts import identified
from services.clients.handlers.acting import lock_for_clients
from services.clients.handlers.clients import (
    Erased,
    ExternalIdTaken,
    Merged,
    NotYours,
    UnknownOwner,
    announce_changed,
    announce_registered,
    money,
)
from services.clients.handlers.imports import refusal_of
from services.clients.store import clients, decisions, freezes, journal, profiles, refs, team
from shared.database import UnitOfWork
from shared.errors import Exists, HoldfastError, Refused, Unprocessable
from shared.ids import uuid7
from shared.people.rules import Frozen, NotEmployed, Person, UnknownEmployee


class OwnershipByTransfer(Refused, code="ownership_by_transfer"):
    """Who is responsible for a client is mastered here: it changes by `POST /transfers` only. Leave `owner_id` out."""


class OwnerMissing(Unprocessable, code="owner_missing"):
    """There is no such client yet; to create it, say its `owner_id`."""


class ContradictingId(Unprocessable, code="contradicting_id"):
    """`external_ids` gives the client another id in the system by whose id it is put. Leave that system out."""


class Repeated(Refused, code="repeated"):
    """This client was in the same batch before."""


REFUSALS: Mapping[str, type[HoldfastError]] = {
    refusal.code: refusal
    for refusal in (
        *(ContradictingId, OwnershipByTransfer, OwnerMissing, Repeated, Erased, ExternalIdTaken, Merged, NotYours),
        *(UnknownOwner, Exists, UnknownEmployee, NotEmployed, Frozen),
    )
}
PROFILE = ("name", "value", "expected_value", "status", "effort", "regions", "languages")


class Wanted(NamedTuple):
    """A client as another system has it. `profile` is JSON; `owner_id` and `team` are None where they were left out."""

    ref: str
    profile: Mapping[str, Any]
    owner_id: str | None
    team: Mapping[str, str] | None
    external_ids: Mapping[str, str | None]


class Put(NamedTuple):
    """What became of it: `created`, `updated`, `unchanged`, or `refused` with a reason."""

    client_id: str | None
    outcome: str
    reason: str | None = None
    system: str | None = None


@dataclass(frozen=True)
class Present:
    """What is known of the clients that were asked for, and of the people named; all of them locked."""

    known: Mapping[str, Mapping[str, Any]]
    before: Mapping[str, Mapping[str, Any]]
    decided: Mapping[str, str]
    people: Mapping[str, Person]
    headed: frozenset[str]
    merged: frozenset[str]
    actor: str


async def put(
    work: UnitOfWork, wanted: Sequence[Wanted], roles: frozenset[str], check: Callable[[int | None], None] | None = None
) -> list[Put]:
    """Creates or replaces up to 1,000 clients by a handful of statements. What is not changed gets no new version.

    Raises `YouAreFrozen`, `PolicyNotAcknowledged`, and what `check` does, which is given the version of a client, or None
    of one that is not there.
    """
    named = await refs.resolve(work, (one.ref for one in wanted))
    ids = [_id_of(one, named) for one in wanted]
    involved = {person for one in wanted for person in (one.owner_id, *(one.team or {}).values()) if person}
    rows = await lock_for_clients(work, involved)
    known = await clients.lock(work, sorted(set(ids)))
    owners = {one.owner_id for one, id in zip(wanted, ids, strict=True) if one.owner_id and id not in known}
    present = Present(
        known,
        await profiles.these(work, known),
        await decisions.decide_all_for_caller(work, roles, sorted(known), "edit") if known else {},
        rows,
        frozenset(owners if roles & {"service", "director"} else await _owned_by_caller(work, roles, owners)),
        frozenset(named),
        work.actor,
    )
    if known:
        decided = [["edit", present.decided[id]] for id in known]
        reason = present.decided[ids[0]] if len(ids) == 1 else None
        await journal.write_page(work, "client.accessed", "edit", reason, list(known), {"decisions": decided})
    seen: set[str] = set()
    results: list[Put] = []
    for one, id in zip(wanted, ids, strict=True):
        reason = Repeated.code if id in seen else _refusal(one, id, present)
        seen.add(id)
        if check is not None and reason not in ("not_yours", "exists", "action_not_allowed"):
            check(known[id]["version"] if id in known else None)
        results.append(Put(id if id in known else None, "refused", reason) if reason else _outcome(one, id, present))
    return await _write(work, list(zip(wanted, ids, results, strict=True)), present)


async def put_one(
    work: UnitOfWork, one: Wanted, roles: frozenset[str], check: Callable[[int | None], None]
) -> tuple[Put, Mapping[str, Any]]:
    """Creates or replaces a client; what became of it, and the client unless it was refused."""
    (result,) = await put(work, [one], roles, check)
    return result, {} if result.client_id is None or result.reason else await clients.one(work, result.client_id)


def _id_of(one: Wanted, named: Mapping[str, str]) -> str:
    """The id behind the reference. Who was merged keeps the old one here: it is refused, and nobody else is meant."""
    if "~" in one.ref:
        return named.get(one.ref) or uuid7()
    return one.ref


async def _owned_by_caller(work: UnitOfWork, roles: frozenset[str], owners: set[str]) -> set[str]:
    """For which of these people the caller may register clients."""
    headed = await freezes.headed(work, owners) if "sales_head" in roles else set()
    return headed | ({work.actor} & owners)


def _refusal(one: Wanted, id: str, present: Present) -> str | None:
    known = present.known.get(id)
    system, _, there = one.ref.partition("~")
    if there and one.external_ids.get(system, there) != there:
        return ContradictingId.code
    if known is None:
        if one.ref in present.merged:
            return Merged.code
        if one.owner_id is None:
            return OwnerMissing.code
        if one.owner_id not in present.headed:
            return NotYours.code
        reason = refusal_of(present.people, one.owner_id)
        if reason:
            return UnknownOwner.code if reason == UnknownEmployee.code else reason
    else:
        if present.decided[id] not in ALLOWED:
            return "action_not_allowed" if present.decided[id] == "action_not_allowed" else Exists.code
        if known["erased"]:
            return Erased.code
        if one.owner_id not in (None, known["owner_id"], known["stand_in_id"]):
            return OwnershipByTransfer.code
    placed = present.before[id]["team"] if known else {}
    newcomers = [person for function, person in (one.team or {}).items() if placed.get(function) != person]
    return next((reason for person in newcomers if (reason := refusal_of(present.people, person))), None)


def _outcome(one: Wanted, id: str, present: Present) -> Put:
    before = present.before.get(id)
    if before is None:
        return Put(id, "created")
    return Put(id, "unchanged" if _said(before) == _said(_after(one, before)) else "updated")


def _after(one: Wanted, before: Mapping[str, Any]) -> dict[str, Any]:
    """The whole of a client that is there, as it is to be."""
    return {
        **one.profile,
        "contacts": identified(one.profile["contacts"], before["contacts"], uuid7),
        "external_ids": refs.told(before["external_ids"], one.external_ids),
        "team": dict(before["team"] if one.team is None else one.team),
    }


def _said(client: Mapping[str, Any]) -> dict[str, Any]:
    """In a form in which what is kept and what was sent can be compared."""

    def amount(value: Any) -> Any:
        return value if value is None or isinstance(value, str) else money(value)

    said = {name: client[name] for name in (*PROFILE, "contacts", "external_ids", "team")}
    return {**said, "value": amount(said["value"]), "expected_value": amount(said["expected_value"])}


async def _write(work: UnitOfWork, items: Sequence[tuple[Wanted, str, Put]], present: Present) -> list[Put]:
    called = {
        id: ((before := present.before.get(id, {"external_ids": {}})["external_ids"]), _called(one, before))
        for one, id, result in items
        if result.outcome in ("created", "updated")
    }
    taken = await refs.change(work, called)
    results = [
        Put(id if id in present.known else None, "refused", ExternalIdTaken.code, taken[id])
        if id in taken and result.outcome != "refused"
        else result
        for _, id, result in items
    ]
    todo = [(one, id, result.outcome) for (one, id, _), result in zip(items, results, strict=True)]
    created = [_registration(one, id, called[id][1]) for one, id, outcome in todo if outcome == "created"]
    if created:
        made = await clients.insert(work, created, imported=False)
        announce_registered(work, [row for row in created if row.client_id in made])
        missed = {row.client_id: row.external_ids for row in created if row.client_id not in made}
        if missed:  # somebody else registered them since we looked: they are called what that one says
            present_now = await profiles.these(work, missed)
            await refs.change(work, {id: (missed[id], row["external_ids"]) for id, row in present_now.items()})
            results = [
                Put(one.client_id, "refused", Exists.code) if one.client_id in missed else one for one in results
            ]
    updated = {id: _after(one, present.before[id]) for one, id, outcome in todo if outcome == "updated"}
    if updated:
        teams = {id: whole["team"] for id, whole in updated.items() if whole["team"] != present.before[id]["team"]}
        await team.replace(work, teams)
        changed = {place[1] for id, now in teams.items() for place in present.before[id]["team"].items() ^ now.items()}
        if changed:
            await journal.write_page(work, "team.placed", "edit", None, list(teams), employees=sorted(changed))
        bodies = [(json.dumps({**whole, "id": id}), None) for id, whole in updated.items()]
        await profiles.replace(work, "client.changed", bodies)
        await announce_changed(work, *updated)
    return results


def _called(one: Wanted, before: Mapping[str, str]) -> dict[str, str]:
    """What other systems call the client from now on: also what it was put under."""
    system, _, id = one.ref.partition("~")
    return refs.told(before, {**({system: id} if id and not before else {}), **one.external_ids})


def _registration(one: Wanted, id: str, external_ids: Mapping[str, str]) -> clients.Registration:
    body = {**one.profile, "id": id, "owner_id": one.owner_id, "team": one.team or {}, "external_ids": external_ids}
    return clients.registration(id, str(one.owner_id), one.team or {}, json.dumps(body))
