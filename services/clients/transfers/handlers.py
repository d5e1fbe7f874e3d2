"""Transfers: by hand, by a case, and of what a rehired person must not get back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from services.clients.access.handlers import lock_for_client_work
from services.clients.access.store.actor import list_heads_above
from services.clients.freezes.rules import list_caretaker_candidates
from services.clients.holdings.store.owners import (
    TransferOutcome,
    insert_stand_ins,
    list_settling_employees,
    lock_clients,
    update_owners,
)
from services.clients.holdings.store.teams import list_team_places, update_team_places
from services.clients.register.handlers import announce_changed_clients
from shared.contracts.clients import ClientTransferred, Result, TransferClients, TransferKind
from shared.database import UnitOfWork
from shared.ids import uuid7
from shared.messages import Envelope
from shared.people.rules import choose_caretaker
from shared.people.store import lock_people
from shared.service import Runtime

CHUNK_SIZE = 1_000
MAX_CONCURRENT_CHUNKS = 2  # chunks at a time: while one is taken apart here the database works on the other
T = TypeVar("T")


def split_into_chunks(items: Iterable[T], key: Callable[[T], str]) -> Iterator[list[T]]:
    """The items in their order, at most 1,000 at a time and none with the same key together."""
    chunk: list[T] = []
    seen: set[str] = set()
    for item in items:
        if len(chunk) == CHUNK_SIZE or key(item) in seen:
            yield chunk
            chunk, seen = [], set()
        chunk.append(item)
        seen.add(key(item))
    if chunk:
        yield chunk


async def transfer_in_chunks(
    items: Sequence[tuple[str, str, str]], transfer: Callable[[list[tuple[str, str, str]]], Awaitable[list[T]]]
) -> list[T]:
    """What `transfer` makes of all chunks, in the order of the items; two at a time unless a client comes twice."""
    parts = list(split_into_chunks(items, lambda item: item[0]))
    distinct = len({client_id for client_id, _, _ in items}) == len(items)
    gate = asyncio.Semaphore(MAX_CONCURRENT_CHUNKS if distinct else 1)

    async def one(part: list[tuple[str, str, str]]) -> list[T]:
        async with gate:
            return await transfer(part)

    tasks = [asyncio.create_task(one(part)) for part in parts]
    try:
        return [outcome for outcomes in await asyncio.gather(*tasks) for outcome in outcomes]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def announce_transfers(
    work: UnitOfWork, rows: Iterable[TransferOutcome], kind: TransferKind, case_id: str | None = None
) -> None:
    """One event: of the client, or in bulk."""
    moved = [
        {"client_id": row.client_id, "from_id": row.from_id, "to_id": row.to_id, "sequence": row.version}
        for row in rows
        if row.version is not None
    ]
    if len(moved) == 1:
        work.publish(ClientTransferred.model_validate({**moved[0], "kind": kind, "case_id": case_id}))
    elif moved:
        # One validation of all is much faster than one of each.
        data = {"batch_id": uuid7(), "kind": kind, "case_id": case_id, "items": moved}
        work.publish(ClientTransferred.model_validate(data))


async def transfer_clients_by_hand(
    work: UnitOfWork, items: Sequence[tuple[str, str, str]], reason: str, everybody: bool
) -> list[dict[str, str]]:
    """Up to 1,000 moves `(client_id, from_id, to_id)`, no client twice; what became of each.

    Raises `YouAreFrozen`, `PolicyNotAcknowledged`.
    """
    await lock_for_client_work(work, {to_id for _, _, to_id in items})
    rows = await update_owners(work, items, "manual", reason=reason, everybody=everybody, acting=True)
    announce_transfers(work, rows, "manual")
    return [{"client_id": row.client_id, "outcome": row.outcome} for row in rows]


async def transfer_clients(work: UnitOfWork, envelope: Envelope[TransferClients]) -> list[Result]:
    """The moves of a case; `done` also where it was done before. A second move of the same client is `repeated`."""
    command = envelope.data
    first = {item.client_id: item for item in reversed(command.items)}
    items = [(item.client_id, item.from_id, item.to_id) for item in first.values()]
    await lock_people(work, holding={to_id for _, _, to_id in items})
    rows = await update_owners(work, items, command.kind, case_id=command.case_id)
    announce_transfers(work, rows, command.kind, command.case_id)
    outcomes = {row.client_id: row.outcome for row in rows}
    return [
        Result(id=item.client_id, outcome=outcomes[item.client_id] if first[item.client_id] is item else "repeated")
        for item in command.items
    ]


# -- settling ----------------------------------------------------------------------------------------------------------

LIST_OWNED_CLIENTS_SQL = "SELECT client_id FROM clients WHERE owner_id = :id ORDER BY client_id LIMIT :limit"

UPDATE_SETTLED_SQL = """
    UPDATE people SET settling = false, frozen_at = CASE WHEN frozen THEN frozen_at END,
        stand_in_id = CASE WHEN frozen THEN stand_in_id END, unowned = frozen AND stand_in_id IS NULL
    WHERE employee_id = :id
"""


async def settle_rehired_employees(runtime: Runtime) -> bool:
    """A rehire restores nothing: what is still of record goes to the stand-in for good, chunk by chunk."""
    found = await runtime.transact(list_settling_employees)
    worked = [await runtime.transact(settle_rehired_employee, employee_id) for employee_id in found]
    return any(worked)


async def settle_rehired_employee(work: UnitOfWork, employee_id: str) -> bool:
    """Moves up to 1,000 clients of record to the stand-in, then the places in teams; with the last the person is settled.

    False if nothing could be done: nobody stands in, and nobody can.
    """
    before = await work.fetch_row("SELECT * FROM people WHERE employee_id = :id AND settling", id=employee_id)
    if before is None:
        return False
    candidates = list_caretaker_candidates(
        before["deputy_id"],
        before["manager_id"],
        await list_heads_above(work, employee_id),
        work.settings.last_resort,
        employee_id,
    )
    rows = await lock_people(work, changing=[employee_id, before["stand_in_id"], *candidates])
    person = rows[employee_id]
    if not person.settling or person.stand_in_id != before["stand_in_id"]:
        return True  # changed since we looked: look again
    heir = person.stand_in_id or choose_caretaker(rows, candidates, employee_id, work.today)
    owned = await work.fetch_rows(LIST_OWNED_CLIENTS_SQL, id=employee_id, limit=CHUNK_SIZE)
    if owned and heir is None:
        return False
    if owned:
        moves = [(row["client_id"], employee_id, str(heir)) for row in owned]
        moved = await update_owners(work, moves, "permanent")
        announce_transfers(work, moved, "permanent")
        if any(row.outcome != "done" for row in moved):
            return False  # the heir can take nothing now; whoever was rehired must not get it back
    if owned:
        return True  # the places in teams have a transaction of their own, for their clients are locked in id order too
    served = await list_team_places(work, employee_id, CHUNK_SIZE)
    if served and heir is None:
        return False
    if served:
        places = [(row["client_id"], row["function"], employee_id, str(heir)) for row in served]
        await lock_clients(work, sorted({client_id for client_id, *_ in places}))
        placed = await update_team_places(work, places, employee_id)
        await announce_changed_clients(work, *sorted({row["client_id"] for row in placed if row["changed"]}))
        if any(row["outcome"] != "done" for row in placed):
            return False
    if len(served) == CHUNK_SIZE:
        return True
    await work.execute(
        "DELETE FROM open_stages WHERE employee_id = :id", id=employee_id
    )  # of before; orders moves them
    await work.execute(UPDATE_SETTLED_SQL, id=employee_id)
    await insert_stand_ins(work, employee_id)
    return True
