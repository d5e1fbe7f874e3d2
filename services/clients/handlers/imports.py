"""Import: a row is compared with the row last imported, not with the present."""

import json
from collections.abc import Mapping, Sequence, Set
from typing import Any

import asyncpg

from services.clients.domain.contacts import identified
from services.clients.handlers.acting import lock_for_clients
from services.clients.handlers.clients import Erased, ExternalIdTaken, Merged, announce_changed, announce_registered
from services.clients.store import clients, imported, profiles, refs
from services.clients.store.clients import Registration
from shared.database import UnitOfWork
from shared.errors import HoldfastError
from shared.ids import uuid7
from shared.people.rules import Person, require_able_to_own


async def import_clients(work: UnitOfWork, lines: Sequence[tuple[int, Registration]]) -> list[dict[str, Any]]:
    """Up to 1,000 rows, no client twice: `created`, `updated`, `unchanged` or `refused` with a reason for each.

    An owner is taken only of a client that does not exist yet; so is its team. Importing an old file gives nobody
    anything back.
    """
    wanted = {person for _, row in lines for person in row.people}
    known_people = await lock_for_clients(work, wanted)
    refusals = {person: reason for person in wanted if (reason := refusal_of(known_people, person))}
    known = await clients.lock(work, sorted(row.client_id for _, row in lines))

    merged = await refs.merged(work, (row.client_id for _, row in lines if row.client_id not in known))

    def outcome(row: Registration) -> tuple[str, str | None]:
        present = known.get(row.client_id)
        if present is not None and present["erased"]:
            return "refused", Erased.code
        if present is not None:
            return ("unchanged" if present["imported"] == row.imported else "updated"), None
        if row.client_id in merged:
            return "refused", Merged.code
        reason = next((refusals[person] for person in row.people if person in refusals), None)
        return ("refused" if reason else "created"), reason

    outcomes = {row.client_id: outcome(row) for _, row in lines}
    written = [row for _, row in lines if outcomes[row.client_id][0] in ("created", "updated")]
    before = await profiles.these(work, known) if known else {}
    called = {row.client_id: _called(row, before.get(row.client_id)) for row in written if row.external_ids}
    for client_id in await refs.change(work, called):
        outcomes[client_id] = ("refused", ExternalIdTaken.code)
    created = [row for row in written if outcomes[row.client_id][0] == "created"]
    if created:
        if len(await clients.insert(work, created, imported=True)) < len(created):
            raise asyncpg.SerializationError("somebody else registered one of them since we looked")
        announce_registered(work, created)
    updated = [row for row in written if outcomes[row.client_id][0] == "updated"]
    if updated:
        told = [(row.client_id, contact["id"]) for row in updated for contact in row.contacts if contact.get("id")]
        gone = await imported.erased(work, "contact", [id for id, _ in told], [part for _, part in told])
        bodies = [(_whole(row, before, gone), row.imported) for row in updated]
        await profiles.replace(work, "client.imported", bodies)
        await announce_changed(work, *(row.client_id for row in updated))
    return [
        {"line": line, "outcome": word, "reason": reason}
        for line, row in lines
        for word, reason in [outcomes[row.client_id]]
    ]


def _called(row: Registration, before: Mapping[str, Any] | None) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What other systems call the client, before and after."""
    known = before["external_ids"] if before else {}
    return known, refs.told(known, row.external_ids)


def _whole(row: Registration, before: Mapping[str, Mapping[str, Any]], gone: Set[tuple[str, str]]) -> str:
    """All of the client as it is to be; contacts that were erased do not come back."""
    known = before[row.client_id]
    named = [contact for contact in row.contacts if (row.client_id, contact.get("id")) not in gone]
    contacts = identified(named, known["contacts"], uuid7)
    return json.dumps({**json.loads(row.body), "contacts": contacts, "external_ids": _called(row, known)[1]})


def refusal_of(rows: Mapping[str, Person], employee_id: str) -> str | None:
    """Why this person may not be given clients, if so."""
    try:
        require_able_to_own(rows, employee_id)
    except HoldfastError as refusal:
        return refusal.code
    return None
