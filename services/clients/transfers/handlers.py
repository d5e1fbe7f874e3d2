"""Transfers: by hand, by a case, and of what a rehired person must not get back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from services.clients.access.handlers import lock_people_for_client_work
from services.clients.copies.store import delete_open_stages
from services.clients.holdings.store.owners import (
    TransferOutcome,
    insert_stand_in_history,
    list_clients_of_record_owner,
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
from shared.people.store import (
    end_settling,
    get_person,
    list_caretaker_candidates_of_person,
    list_settling_employee_ids,
    lock_people,
)
from shared.service import Runtime

CHUNK_SIZE = 1_000
MAX_CONCURRENT_CHUNKS = 2  # chunks at a time: while one is taken apart here the database works on the other
T = TypeVar("T")


def split_into_distinct_chunks(items: Iterable[T], key: Callable[[T], str]) -> Iterator[list[T]]:
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
    transfers: Sequence[tuple[str, str, str]], transfer: Callable[[list[tuple[str, str, str]]], Awaitable[list[T]]]
) -> list[T]:
    """What `transfer` makes of all chunks, in the order given; two at a time unless a client comes twice."""
    chunks = list(split_into_distinct_chunks(transfers, lambda one: one[0]))
    distinct = len({client_id for client_id, _, _ in transfers}) == len(transfers)
    gate = asyncio.Semaphore(MAX_CONCURRENT_CHUNKS if distinct else 1)

    async def transfer_chunk(chunk: list[tuple[str, str, str]]) -> list[T]:
        async with gate:
            return await transfer(chunk)

    tasks = [asyncio.create_task(transfer_chunk(chunk)) for chunk in chunks]
    try:
        return [outcome for outcomes in await asyncio.gather(*tasks) for outcome in outcomes]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def announce_transfers(
    work: UnitOfWork, outcomes: Iterable[TransferOutcome], kind: TransferKind, case_id: str | None = None
) -> None:
    """One event: of the client, or in bulk."""
    items = [
        {"client_id": moved.client_id, "from_id": moved.from_id, "to_id": moved.to_id, "sequence": moved.version}
        for moved in outcomes
        if moved.version is not None
    ]
    if len(items) == 1:
        work.publish(ClientTransferred.model_validate({**items[0], "kind": kind, "case_id": case_id}))
    elif items:
        # One validation of all is much faster than one of each.
        event = {"batch_id": uuid7(), "kind": kind, "case_id": case_id, "items": items}
        work.publish(ClientTransferred.model_validate(event))


async def transfer_clients_by_hand(
    work: UnitOfWork, transfers: Sequence[tuple[str, str, str]], reason: str, may_transfer_any_client: bool
) -> list[TransferOutcome]:
    """Up to 1,000 transfers `(client_id, from_id, to_id)`, no client twice.

    Raises `YouAreFrozen`, `PolicyNotAcknowledged`.
    """
    await lock_people_for_client_work(work, {to_id for _, _, to_id in transfers})
    outcomes = await update_owners(
        work, transfers, "manual", reason=reason, may_move_any=may_transfer_any_client, accepts_acting_owner=True
    )
    announce_transfers(work, outcomes, "manual")
    return outcomes


async def transfer_clients(work: UnitOfWork, envelope: Envelope[TransferClients]) -> list[Result]:
    """The transfers of a case; `done` also where it was done before. A second one of the same client is `repeated`."""
    command = envelope.data
    first = {item.client_id: item for item in reversed(command.items)}
    transfers = [(item.client_id, item.from_id, item.to_id) for item in first.values()]
    await lock_people(work, for_share={to_id for _, _, to_id in transfers})
    moved = await update_owners(work, transfers, command.kind, case_id=command.case_id)
    announce_transfers(work, moved, command.kind, command.case_id)
    outcomes = {one.client_id: one.outcome for one in moved}
    return [
        Result(id=item.client_id, outcome=outcomes[item.client_id] if first[item.client_id] is item else "repeated")
        for item in command.items
    ]


# -- settling ----------------------------------------------------------------------------------------------------------


async def settle_rehired_employees(runtime: Runtime) -> bool:
    """A rehire restores nothing: what is still of record goes to the stand-in for good, chunk by chunk."""
    settling = await runtime.transact(list_settling_employee_ids)
    worked = [await runtime.transact(settle_chunk_of_rehired_employee, employee_id) for employee_id in settling]
    return any(worked)


async def settle_chunk_of_rehired_employee(work: UnitOfWork, employee_id: str) -> bool:
    """Moves up to 1,000 clients of record to the stand-in, then the places in teams; with the last the person is settled.

    False if nothing could be done: nobody stands in, and nobody can.
    """
    before = await get_person(work, employee_id)
    if before is None or not before.settling:
        return False
    caretakers = await list_caretaker_candidates_of_person(work, before)
    people = await lock_people(work, for_update=[employee_id, before.stand_in_id, *caretakers])
    person = people[employee_id]
    if not person.settling or person.stand_in_id != before.stand_in_id:
        return True  # changed since we looked: look again
    heir_id = person.stand_in_id or choose_caretaker(people, caretakers, employee_id, work.today)
    owned = await list_clients_of_record_owner(work, employee_id, CHUNK_SIZE)
    if owned:
        if heir_id is None:
            return False
        moved = await update_owners(work, [(client_id, employee_id, heir_id) for client_id in owned], "permanent")
        announce_transfers(work, moved, "permanent")
        # If the heir can take nothing now, whoever was rehired must not get it back. The places in teams have a transaction
        # of their own, for their clients are locked in id order too.
        return all(one.outcome == "done" for one in moved)
    places = await list_team_places(work, employee_id, CHUNK_SIZE)
    if places:
        if heir_id is None:
            return False
        await lock_clients(work, sorted({place.client_id for place in places}))
        handovers = [(place.client_id, place.function, employee_id, heir_id) for place in places]
        outcomes = await update_team_places(work, handovers, employee_id)
        await announce_changed_clients(work, *sorted({one.client_id for one in outcomes if one.has_changed}))
        if any(one.outcome != "done" for one in outcomes):
            return False
    if len(places) == CHUNK_SIZE:
        return True
    await delete_open_stages(work, employee_id)
    await end_settling(work, employee_id)
    await insert_stand_in_history(work, employee_id)
    return True
