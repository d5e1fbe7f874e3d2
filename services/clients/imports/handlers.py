"""Import: a row is compared with the row last imported, not with the present, so an old file takes back nothing."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from typing import Any

import asyncpg

from services.clients.access.handlers import lock_for_client_work
from services.clients.contacts.handlers import TooManyContacts
from services.clients.holdings.store.owners import lock_clients
from services.clients.holdings.store.teams import import_team_places, list_employees_in_places
from services.clients.imports import store
from services.clients.journal.store.entries import insert_clients_entry
from services.clients.names.handlers import ExternalIdTaken
from services.clients.names.rules import apply_external_id_changes
from services.clients.names.store import (
    list_client_ids_by_ref,
    list_erased,
    list_merged_client_ids,
    update_external_ids,
)
from services.clients.register.handlers import (
    ClientAlreadyErased,
    ClientAlreadyMerged,
    announce_changed_clients,
    announce_registered_clients,
    find_owner_refusal,
)
from services.clients.register.rules import MAX_CONTACTS, assign_contact_ids, get_contact_details
from services.clients.register.store import (
    Registration,
    insert_clients,
    list_profiles,
    replace_profiles,
    update_contacts,
)
from services.clients.relationships.store import import_feedback, import_interactions
from shared.database import UnitOfWork
from shared.errors import HoldfastError
from shared.ids import uuid7
from shared.people.rules import UnknownEmployee, require_able_to_own


async def import_clients(work: UnitOfWork, lines: Sequence[tuple[int, Registration]]) -> list[dict[str, Any]]:
    """Up to 1,000 rows, no client twice: `created`, `updated`, `unchanged` or `refused` with a reason for each.

    An owner is taken only of a client that does not exist yet; so is its team. Importing an old file gives nobody
    anything back.
    """
    wanted = {person for _, row in lines for person in row.people}
    known_people = await lock_for_client_work(work, wanted)
    refusals = {person: reason for person in wanted if (reason := find_owner_refusal(known_people, person))}
    known = await lock_clients(work, sorted(row.client_id for _, row in lines))

    merged = await list_merged_client_ids(work, (row.client_id for _, row in lines if row.client_id not in known))

    def outcome(row: Registration) -> tuple[str, str | None]:
        present = known.get(row.client_id)
        if present is not None and present["erased"]:
            return "refused", ClientAlreadyErased.code
        if present is not None:
            return ("unchanged" if present["imported"] == row.imported else "updated"), None
        if row.client_id in merged:
            return "refused", ClientAlreadyMerged.code
        reason = next((refusals[person] for person in row.people if person in refusals), None)
        return ("refused" if reason else "created"), reason

    outcomes = {row.client_id: outcome(row) for _, row in lines}
    written = [row for _, row in lines if outcomes[row.client_id][0] in ("created", "updated")]
    before = await list_profiles(work, known) if known else {}
    called = {
        row.client_id: _external_ids_before_and_after(row, before.get(row.client_id))
        for row in written
        if row.external_ids
    }
    for client_id in await update_external_ids(work, called):
        outcomes[client_id] = ("refused", ExternalIdTaken.code)
    created = [row for row in written if outcomes[row.client_id][0] == "created"]
    if created:
        if len(await insert_clients(work, created, imported=True)) < len(created):
            raise asyncpg.SerializationError("somebody else registered one of them since we looked")
        announce_registered_clients(work, created)
    updated = [row for row in written if outcomes[row.client_id][0] == "updated"]
    if updated:
        told = [(row.client_id, contact["id"]) for row in updated for contact in row.contacts if contact.get("id")]
        gone = await list_erased(work, "contact", [id for id, _ in told], [part for _, part in told])
        bodies = [(_merge_with_profile(row, before, gone), row.imported) for row in updated]
        await replace_profiles(work, "client.imported", bodies)
        await announce_changed_clients(work, *(row.client_id for row in updated))
    return [
        {"line": line, "outcome": word, "reason": reason}
        for line, row in lines
        for word, reason in [outcomes[row.client_id]]
    ]


def _external_ids_before_and_after(
    row: Registration, before: Mapping[str, Any] | None
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What other systems call the client, before and after."""
    known = before["external_ids"] if before else {}
    return known, apply_external_id_changes(known, row.external_ids)


def _merge_with_profile(row: Registration, before: Mapping[str, Mapping[str, Any]], gone: Set[tuple[str, str]]) -> str:
    """All of the client as it is to be; contacts that were erased do not come back."""
    known = before[row.client_id]
    named = [contact for contact in row.contacts if (row.client_id, contact.get("id")) not in gone]
    contacts = assign_contact_ids(named, known["contacts"], uuid7)
    return json.dumps(
        {**json.loads(row.body), "contacts": contacts, "external_ids": _external_ids_before_and_after(row, known)[1]}
    )


ImportedLines = Sequence[tuple[int, store.ImportedRow]]
WriteRows = Callable[
    [UnitOfWork, Sequence[store.ImportedRow]], Awaitable[list[str]]
]  # an outcome for each, or why it is refused
OUTCOMES = ("created", "updated", "unchanged")


async def import_interactions_lines(work: UnitOfWork, lines: ImportedLines) -> list[dict[str, Any]]:
    """Up to 1,000 rows. Who has left met them too; who was erased did not."""
    known = await lock_for_client_work(work, {row.data["employee_id"] for _, row in lines})
    gone = {id for id, _ in await list_erased(work, "employee", known, [""] * len(known))}

    def refusal(row: store.ImportedRow) -> str | None:
        person = known.get(row.data["employee_id"])
        if person is None or (person.status is None and not person.frozen):
            return UnknownEmployee.code
        return ClientAlreadyErased.code if row.data["employee_id"] in gone else None

    return await _import_lines(work, "interactions", lines, refusal, import_interactions)


async def import_feedback_lines(work: UnitOfWork, lines: ImportedLines) -> list[dict[str, Any]]:
    await lock_for_client_work(work)
    return await _import_lines(work, "feedback", lines, lambda row: None, import_feedback)


async def import_team_lines(work: UnitOfWork, lines: ImportedLines) -> list[dict[str, Any]]:
    """Up to 1,000 places. Whoever is given one must be able to own."""
    known = await lock_for_client_work(work, {row.data["employee_id"] for _, row in lines})

    def refusal(row: store.ImportedRow) -> str | None:
        try:
            require_able_to_own(known, row.data["employee_id"])
        except HoldfastError as refused:
            return refused.code
        return None

    return await _import_lines(work, "team", lines, refusal, import_team_places)


async def import_contact_lines(work: UnitOfWork, lines: ImportedLines) -> list[dict[str, Any]]:
    await lock_for_client_work(work)
    return await _import_lines(work, "contacts", lines, lambda row: None, _write_contacts)


async def _import_lines(
    work: UnitOfWork,
    kind: store.RowKind,
    lines: ImportedLines,
    refusal: Callable[[store.ImportedRow], str | None],
    write: WriteRows,
) -> list[dict[str, Any]]:
    """People were locked before. Rows of one thing, though under two names of its client, come one after the other."""
    named = await list_client_ids_by_ref(work, [row.client_id for _, row in lines])
    placed = [(line, row._replace(client_id=named.get(row.client_id, row.client_id))) for line, row in lines]
    first = {(row.client_id, row.key): line for line, row in reversed(placed)}
    results = await _import_distinct_lines(
        work, kind, [(line, row) for line, row in placed if first[row.client_id, row.key] == line], refusal, write
    )
    more = [(line, row) for line, row in placed if first[row.client_id, row.key] != line]
    return results + (await _import_lines(work, kind, more, refusal, write) if more else [])


async def _import_distinct_lines(
    work: UnitOfWork,
    kind: store.RowKind,
    lines: ImportedLines,
    refusal: Callable[[store.ImportedRow], str | None],
    write: WriteRows,
) -> list[dict[str, Any]]:
    rows = [row for _, row in lines]
    known = await lock_clients(work, sorted({row.client_id for row in rows}))
    before = await store.list_last_imported(work, kind, rows)

    def outcome(row: store.ImportedRow) -> str | None:
        """None: it has something new to say."""
        if row.client_id not in known:
            return "unknown_client"
        if known[row.client_id]["erased"]:
            return ClientAlreadyErased.code
        return "unchanged" if before.get((row.client_id, row.key)) == row.said else refusal(row)

    outcomes = [outcome(row) for row in rows]
    new = [row for row, word in zip(rows, outcomes, strict=True) if word is None]
    replaced = await list_employees_in_places(work, new) if kind == "team" else set()
    written = await write(work, new) if new else []
    taken = [row for row, word in zip(new, written, strict=True) if word in OUTCOMES]
    if taken:
        await store.upsert_imported_rows(work, kind, taken)
    changed = sorted({row.client_id for row, word in zip(new, written, strict=True) if word in ("created", "updated")})
    if changed:
        people = {row.data["employee_id"] for row in new} | replaced if kind == "team" else ()
        await insert_clients_entry(work, f"{kind}.imported", "edit", "service", changed, employees=sorted(people))
        if kind == "team":
            await announce_changed_clients(work, *changed)
    words = iter(written)
    final = [next(words) if word is None else word for word in outcomes]
    return [
        {"line": line, "outcome": word, "reason": None}
        if word in OUTCOMES
        else {"line": line, "outcome": "refused", "reason": word}
        for (line, _), word in zip(lines, final, strict=True)
    ]


async def _write_contacts(work: UnitOfWork, rows: Sequence[store.ImportedRow]) -> list[str]:
    """Who says the same as a contact of the client is that contact; else the row's key is the id of a new one."""
    gone = await list_erased(work, "contact", [row.client_id for row in rows], [row.key for row in rows])
    before = await list_profiles(work, {row.client_id for row in rows})
    listed = {client_id: {one["id"]: one for one in profile["contacts"]} for client_id, profile in before.items()}
    outcomes, changed = list[str](), set[str]()
    for row in rows:
        here, contact = listed[row.client_id], {"id": row.key, **row.data}
        known = here.get(row.key) or _find_same_contact(here.values(), contact)
        if (row.client_id, row.key) in gone:
            outcomes.append(ClientAlreadyErased.code)
        elif known is not None and get_contact_details(known) == get_contact_details(contact):
            outcomes.append("unchanged")
        elif known is None and len(here) >= MAX_CONTACTS:
            outcomes.append(TooManyContacts.code)
        else:
            here[row.key] = contact
            changed.add(row.client_id)
            outcomes.append("updated" if known else "created")
    if changed:
        await update_contacts(work, {client_id: list(listed[client_id].values()) for client_id in changed})
    return outcomes


def _find_same_contact(contacts: Iterable[Mapping[str, Any]], contact: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((one for one in contacts if get_contact_details(one) == get_contact_details(contact)), None)
