"""Import of what is told of clients: interactions, feedback, team places, contacts. A result for each row.

A row is compared with what it said when it was imported last; so an old file takes back nothing that changed since, and
brings back nobody who was erased.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from services.clients.domain.contacts import MOST, said
from services.clients.handlers.acting import lock_for_clients
from services.clients.handlers.clients import Erased, announce_changed
from services.clients.handlers.contacts import TooManyContacts
from services.clients.store import clients, imported, journal, profiles, refs
from services.clients.store.imported import Kind, Row
from shared.database import UnitOfWork
from shared.errors import HoldfastError
from shared.people.rules import UnknownEmployee, require_able_to_own

Lines = Sequence[tuple[int, Row]]
Refusals = Mapping[tuple[str, str], str]
Write = Callable[[UnitOfWork, Sequence[Row]], Awaitable[list[str]]]  # an outcome for each, or why it is refused
OUTCOMES = ("created", "updated", "unchanged")


async def interactions(work: UnitOfWork, lines: Lines) -> list[dict[str, Any]]:
    """Up to 1,000 rows. Who has left met them too; who was erased did not."""
    known = await lock_for_clients(work, {row.data["employee_id"] for _, row in lines})
    gone = {id for id, _ in await imported.erased(work, "employee", known, [""] * len(known))}

    def refusal(row: Row) -> str | None:
        person = known.get(row.data["employee_id"])
        if person is None or (person.status is None and not person.frozen):
            return UnknownEmployee.code
        return Erased.code if row.data["employee_id"] in gone else None

    return await _take_in(work, "interactions", lines, refusal, imported.write_interactions)


async def feedback(work: UnitOfWork, lines: Lines) -> list[dict[str, Any]]:
    await lock_for_clients(work)
    return await _take_in(work, "feedback", lines, lambda row: None, imported.write_feedback)


async def team(work: UnitOfWork, lines: Lines) -> list[dict[str, Any]]:
    """Up to 1,000 places. Whoever is given one must be able to own."""
    known = await lock_for_clients(work, {row.data["employee_id"] for _, row in lines})

    def refusal(row: Row) -> str | None:
        try:
            require_able_to_own(known, row.data["employee_id"])
        except HoldfastError as refused:
            return refused.code
        return None

    return await _take_in(work, "team", lines, refusal, imported.write_team)


async def contacts(work: UnitOfWork, lines: Lines) -> list[dict[str, Any]]:
    await lock_for_clients(work)
    return await _take_in(work, "contacts", lines, lambda row: None, _write_contacts)


async def _take_in(
    work: UnitOfWork, kind: Kind, lines: Lines, refusal: Callable[[Row], str | None], write: Write
) -> list[dict[str, Any]]:
    """People were locked before. Rows of one thing, though under two names of its client, come one after the other."""
    named = await refs.resolve(work, [row.client_id for _, row in lines])
    placed = [(line, row._replace(client_id=named.get(row.client_id, row.client_id))) for line, row in lines]
    first = {(row.client_id, row.key): line for line, row in reversed(placed)}
    results = await _take_in_once(
        work, kind, [(line, row) for line, row in placed if first[row.client_id, row.key] == line], refusal, write
    )
    more = [(line, row) for line, row in placed if first[row.client_id, row.key] != line]
    return results + (await _take_in(work, kind, more, refusal, write) if more else [])


async def _take_in_once(
    work: UnitOfWork, kind: Kind, lines: Lines, refusal: Callable[[Row], str | None], write: Write
) -> list[dict[str, Any]]:
    rows = [row for _, row in lines]
    known = await clients.lock(work, sorted({row.client_id for row in rows}))
    before = await imported.last(work, kind, rows)

    def outcome(row: Row) -> str | None:
        """None: it has something new to say."""
        if row.client_id not in known:
            return "unknown_client"
        if known[row.client_id]["erased"]:
            return Erased.code
        return "unchanged" if before.get((row.client_id, row.key)) == row.said else refusal(row)

    outcomes = [outcome(row) for row in rows]
    new = [row for row, word in zip(rows, outcomes, strict=True) if word is None]
    replaced = await imported.holders(work, new) if kind == "team" else set()
    written = await write(work, new) if new else []
    taken = [row for row, word in zip(new, written, strict=True) if word in OUTCOMES]
    if taken:
        await imported.note(work, kind, taken)
    changed = sorted({row.client_id for row, word in zip(new, written, strict=True) if word in ("created", "updated")})
    if changed:
        people = {row.data["employee_id"] for row in new} | replaced if kind == "team" else ()
        await journal.write_page(work, f"{kind}.imported", "edit", "service", changed, employees=sorted(people))
        if kind == "team":
            await announce_changed(work, *changed)
    words = iter(written)
    final = [next(words) if word is None else word for word in outcomes]
    return [
        {"line": line, "outcome": word, "reason": None}
        if word in OUTCOMES
        else {"line": line, "outcome": "refused", "reason": word}
        for (line, _), word in zip(lines, final, strict=True)
    ]


async def _write_contacts(work: UnitOfWork, rows: Sequence[Row]) -> list[str]:
    """Who says the same as a contact of the client is that contact; else the row's key is the id of a new one."""
    gone = await imported.erased(work, "contact", [row.client_id for row in rows], [row.key for row in rows])
    before = await profiles.these(work, {row.client_id for row in rows})
    listed = {client_id: {one["id"]: one for one in profile["contacts"]} for client_id, profile in before.items()}
    outcomes, changed = list[str](), set[str]()
    for row in rows:
        here, contact = listed[row.client_id], {"id": row.key, **row.data}
        known = here.get(row.key) or _same(here.values(), contact)
        if (row.client_id, row.key) in gone:
            outcomes.append(Erased.code)
        elif known is not None and said(known) == said(contact):
            outcomes.append("unchanged")
        elif known is None and len(here) >= MOST:
            outcomes.append(TooManyContacts.code)
        else:
            here[row.key] = contact
            changed.add(row.client_id)
            outcomes.append("updated" if known else "created")
    if changed:
        await imported.write_contacts(work, {client_id: list(listed[client_id].values()) for client_id in changed})
    return outcomes


def _same(contacts: Iterable[Mapping[str, Any]], contact: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((one for one in contacts if said(one) == said(contact)), None)
