"""Import: a row is compared with the row last imported, not with the present, so an old file takes back nothing."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import asyncpg

from services.clients.access.handlers import lock_people_for_client_work
from services.clients.contacts.handlers import TooManyContacts
from services.clients.holdings.store.owners import lock_clients
from services.clients.holdings.store.teams import TeamPlace, list_employees_in_places, upsert_team_places
from services.clients.imports import store
from services.clients.journal.store import insert_changed_clients_entry, insert_clients_entry
from services.clients.names.handlers import ExternalIdTaken
from services.clients.names.rules import apply_external_id_changes
from services.clients.names.store import (
    list_client_ids_by_other_name,
    list_erased_employees,
    list_erased_keys,
    list_merged_client_ids,
    update_external_ids_and_list_taken,
)
from services.clients.register.handlers import (
    ClientAlreadyErased,
    ClientAlreadyMerged,
    announce_changed_clients,
    announce_registered_clients,
    find_work_refusal_code,
)
from services.clients.register.rules import MAX_CONTACTS, Contact, Profile, Registration, assign_contact_ids
from services.clients.register.store import insert_clients, list_profiles, update_profiles
from services.clients.relationships.rules import Feedback, Interaction
from services.clients.relationships.store import upsert_feedback, upsert_interactions
from services.clients.usage.handlers import record_usage
from services.clients.usage.store import UsageRecord
from shared.database import UnitOfWork
from shared.http.ndjson import ImportLine, ImportResult
from shared.ids import uuid7
from shared.people.rules import UnknownEmployee

T = TypeVar("T")
Lines = Sequence[ImportLine[store.ImportedRow[T]]]
# What became of each row: an outcome, or why it is refused.
WriteRows = Callable[[UnitOfWork, Sequence[store.ImportedRow[T]]], Awaitable[list[str]]]


def _make_result(line: int, outcome: str) -> ImportResult:
    match outcome:
        case "created" | "updated" | "unchanged":
            return ImportResult(line, None, outcome)
        case reason:
            return ImportResult(line, None, "refused", reason)


# -- clients -----------------------------------------------------------------------------------------------------------


async def import_clients(work: UnitOfWork, lines: Sequence[ImportLine[Registration]]) -> list[ImportResult]:
    """Up to 1,000 rows, no client twice.

    An owner is taken only of a client that does not exist yet; so is its team. Importing an old file gives nobody
    anything back.
    """
    rows = [row for _, row in lines]
    named = {person for row in rows for person in row.people}
    people = await lock_people_for_client_work(work, named)
    refusals = {person: reason for person in named if (reason := find_work_refusal_code(people, person))}
    known = await lock_clients(work, sorted(row.client_id for row in rows))
    merged = await list_merged_client_ids(work, (row.client_id for row in rows if row.client_id not in known))

    def judge(row: Registration) -> str:
        present = known.get(row.client_id)
        if present is not None and present.is_erased:
            return ClientAlreadyErased.code
        if present is not None:
            return "unchanged" if present.imported_digest == row.digest else "updated"
        if row.client_id in merged:
            return ClientAlreadyMerged.code
        return next((refusals[person] for person in row.people if person in refusals), "created")

    outcomes = {row.client_id: judge(row) for row in rows}
    before = await list_profiles(work, known) if known else {}
    changed_ids = {
        row.client_id: (names, apply_external_id_changes(names, row.profile.external_ids))
        for row in rows
        if outcomes[row.client_id] in ("created", "updated") and row.profile.external_ids
        for names in [before[row.client_id].external_ids if row.client_id in before else {}]
    }
    for client_id in await update_external_ids_and_list_taken(work, changed_ids):
        outcomes[client_id] = ExternalIdTaken.code
    created = [row for row in rows if outcomes[row.client_id] == "created"]
    if created:
        if len(await insert_clients(work, created, is_import=True)) < len(created):
            raise asyncpg.SerializationError("somebody else registered one of them since we looked")
        announce_registered_clients(work, created)
    updated = [row for row in rows if outcomes[row.client_id] == "updated"]
    if updated:
        await _update_clients(work, updated, before)
    return [_make_result(line, outcomes[row.client_id]) for line, row in lines]


async def _update_clients(work: UnitOfWork, rows: Sequence[Registration], before: dict[str, Profile]) -> None:
    """The profiles as the rows say; contacts that were erased do not come back."""
    named = [(row.client_id, contact.id) for row in rows for contact in row.profile.contacts if contact.id]
    erased = await list_erased_keys(work, "contact", [id for id, _ in named], [part for _, part in named])
    profiles = {}
    for row in rows:
        present = before[row.client_id]
        contacts = [contact for contact in row.profile.contacts if (row.client_id, contact.id) not in erased]
        profiles[row.client_id] = replace(
            row.profile,
            contacts=assign_contact_ids(contacts, present.contacts, uuid7),
            external_ids=apply_external_id_changes(present.external_ids, row.profile.external_ids),
            team=present.team,
        )
    await update_profiles(work, profiles, {row.client_id: row.digest for row in rows})
    await insert_changed_clients_entry(work, "client.imported", list(profiles))
    await announce_changed_clients(work, *profiles)


async def import_usage(work: UnitOfWork, lines: Sequence[ImportLine[UsageRecord]]) -> list[ImportResult]:
    """Up to 1,000 lines."""
    outcomes = await record_usage(work, [record for _, record in lines])
    return [
        _make_result(line, outcome.refusal or ("created" if outcome.is_new else "unchanged"))
        for (line, _), outcome in zip(lines, outcomes, strict=True)
    ]


# -- what is told of clients -------------------------------------------------------------------------------------------


async def import_interactions(work: UnitOfWork, lines: Lines[Interaction]) -> list[ImportResult]:
    """Up to 1,000 rows. Who has left met them too; who was erased did not."""
    people = await lock_people_for_client_work(work, {row.content.employee_id for _, row in lines})
    erased = await list_erased_employees(work, people)

    def find_refusal(row: store.ImportedRow[Interaction]) -> str | None:
        person = people.get(row.content.employee_id)
        if person is None or not person.is_known:
            return UnknownEmployee.code
        return ClientAlreadyErased.code if row.content.employee_id in erased else None

    async def write(work: UnitOfWork, rows: Sequence[store.ImportedRow[Interaction]]) -> list[str]:
        return await upsert_interactions(work, [replace(row.content, client_id=row.client_id) for row in rows])

    return await _import_lines(work, "interactions", lines, find_refusal, write)


async def import_feedback(work: UnitOfWork, lines: Lines[Feedback]) -> list[ImportResult]:
    async def write(work: UnitOfWork, rows: Sequence[store.ImportedRow[Feedback]]) -> list[str]:
        return await upsert_feedback(work, [replace(row.content, client_id=row.client_id) for row in rows])

    await lock_people_for_client_work(work)
    return await _import_lines(work, "feedback", lines, lambda row: None, write)


async def import_team(work: UnitOfWork, lines: Lines[TeamPlace]) -> list[ImportResult]:
    """Up to 1,000 places. Whoever is given one must be able to own."""
    people = await lock_people_for_client_work(work, {row.content.employee_id for _, row in lines})

    async def write(work: UnitOfWork, rows: Sequence[store.ImportedRow[TeamPlace]]) -> list[str]:
        places = [replace(row.content, client_id=row.client_id) for row in rows]
        concerned = {place.employee_id for place in places} | await list_employees_in_places(work, places)
        outcomes = await upsert_team_places(work, places)
        changed = _list_changed_clients(rows, outcomes)
        if changed:
            employees = sorted(concerned)
            await insert_clients_entry(work, "team.imported", "edit", "service", changed, employees=employees)
            await announce_changed_clients(work, *changed)
        return outcomes

    return await _import_lines(
        work, "team", lines, lambda row: find_work_refusal_code(people, row.content.employee_id), write
    )


async def import_contacts(work: UnitOfWork, lines: Lines[Contact]) -> list[ImportResult]:
    await lock_people_for_client_work(work)
    return await _import_lines(work, "contacts", lines, lambda row: None, _write_contacts)


async def _write_contacts(work: UnitOfWork, rows: Sequence[store.ImportedRow[Contact]]) -> list[str]:
    """A row with the details of a contact of the client is that contact; else its key is the id of a new one."""
    erased = await list_erased_keys(work, "contact", [row.client_id for row in rows], [row.key for row in rows])
    before = await list_profiles(work, {row.client_id for row in rows})
    contacts = {client_id: {one.id: one for one in profile.contacts} for client_id, profile in before.items()}
    outcomes, changed = list[str](), set[str]()
    for row in rows:
        here, contact = contacts[row.client_id], row.content
        known = here.get(row.key) or next((one for one in here.values() if one.details == contact.details), None)
        if (row.client_id, row.key) in erased:
            outcomes.append(ClientAlreadyErased.code)
        elif known is not None and known.details == contact.details:
            outcomes.append("unchanged")
        elif known is None and len(here) >= MAX_CONTACTS:
            outcomes.append(TooManyContacts.code)
        else:
            here[row.key] = contact
            changed.add(row.client_id)
            outcomes.append("updated" if known else "created")
    if changed:
        await update_profiles(work, {id: replace(before[id], contacts=list(contacts[id].values())) for id in changed})
    return outcomes


async def _import_lines(
    work: UnitOfWork,
    kind: store.RowKind,
    lines: Lines[T],
    find_refusal: Callable[[store.ImportedRow[T]], str | None],
    write: WriteRows[T],
) -> list[ImportResult]:
    """People were locked before. Rows of one thing, though under two names of its client, come one after the other."""
    ids = await list_client_ids_by_other_name(work, [row.client_id for _, row in lines])
    placed = [ImportLine(line, replace(row, client_id=ids.get(row.client_id, row.client_id))) for line, row in lines]
    first = {(row.client_id, row.key): line for line, row in reversed(placed)}
    once = [line for line in placed if first[line.value.client_id, line.value.key] == line.line]
    again = [line for line in placed if first[line.value.client_id, line.value.key] != line.line]
    results = await _import_distinct_lines(work, kind, once, find_refusal, write)
    return results + (await _import_lines(work, kind, again, find_refusal, write) if again else [])


async def _import_distinct_lines(
    work: UnitOfWork,
    kind: store.RowKind,
    lines: Lines[T],
    find_refusal: Callable[[store.ImportedRow[T]], str | None],
    write: WriteRows[T],
) -> list[ImportResult]:
    rows = [row for _, row in lines]
    known = await lock_clients(work, sorted({row.client_id for row in rows}))
    digests = await store.list_last_digests(work, kind, rows)

    def judge(row: store.ImportedRow[T]) -> str | None:
        """None: it has something new to say."""
        if row.client_id not in known:
            return "unknown_client"
        if known[row.client_id].is_erased:
            return ClientAlreadyErased.code
        return "unchanged" if digests.get((row.client_id, row.key)) == row.digest else find_refusal(row)

    judged = [judge(row) for row in rows]
    new = [row for row, outcome in zip(rows, judged, strict=True) if outcome is None]
    written = await write(work, new) if new else []
    taken = [row for row, word in zip(new, written, strict=True) if word in ("created", "updated", "unchanged")]
    if taken:
        await store.upsert_digests(work, kind, taken)
    changed = _list_changed_clients(new, written)
    if changed and kind != "team":
        await insert_clients_entry(work, f"{kind}.imported", "edit", "service", changed)
    outcomes = iter(written)
    return [
        _make_result(line, next(outcomes) if outcome is None else outcome)
        for (line, _), outcome in zip(lines, judged, strict=True)
    ]


def _list_changed_clients(rows: Sequence[store.ImportedRow[T]], outcomes: Sequence[str]) -> list[str]:
    return sorted(
        {row.client_id for row, outcome in zip(rows, outcomes, strict=True) if outcome in ("created", "updated")}
    )
