"""What auditors ask: checkpoints and proofs, and the journal as it was hashed. Checkpoints go outside by themselves."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.clients.journal.rules.merkle_tree import TILE_SIZE, compute_root, hash_leaf
from services.clients.journal.store.entries import insert_journal_entry
from services.clients.journal.store.tree import get_tree_head
from services.clients.names.store import get_client_id
from services.clients.proofs import store
from services.clients.proofs.rules.checkpoints import format_verifier_key, sign_checkpoint, verify_checkpoint
from services.clients.proofs.rules.export_format import format_range_footer, format_range_header, format_tile
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused, Unprocessable
from shared.service import Runtime

log = structlog.get_logger()
JOURNAL_ORIGIN = "holdfast/journal"
ReadInTransaction = Callable[..., Awaitable[Any]]


class NotYetAppended(Refused, code="not_yet_appended"):
    """This decision waits to be appended to the journal's tree. Ask again in a second."""


class TreeNeverHadThisSize(Unprocessable, code="no_such_tree"):
    """The journal never had this size: ask for a size up to that of the newest checkpoint, the older one first."""


class NotInTreeOfThisSize(Unprocessable, code="not_in_that_tree"):
    """This decision came after the journal had this size. Ask for a later size, or leave it out."""


class DecisionNotFound(NotFound, code="no_decision"):
    """No decision with this id is in the journal. If its month was archived, the file of that month holds and proves it."""


class EntriesArchived(Refused, code="not_kept"):
    """These entries are no longer here: each month that was archived is a file where the operators keep the archive."""


def get_verifier_key(key: Ed25519PrivateKey) -> str:
    return format_verifier_key(JOURNAL_ORIGIN, key.public_key())


async def create_checkpoint(work: UnitOfWork, key: Ed25519PrivateKey) -> Mapping[str, Any]:
    """A signed checkpoint of the tree as it is now, kept from now on."""
    size, frontier = await get_tree_head(work)
    kept = await store.insert_checkpoint(work, size, sign_checkpoint(JOURNAL_ORIGIN, size, compute_root(frontier), key))
    return {**kept, "root": compute_root(frontier)}


async def _get_root_at(work: UnitOfWork, size: int) -> bytes:
    """Raises `NoSuchTree`."""
    now, _ = await get_tree_head(work)
    if size > now:
        raise TreeNeverHadThisSize
    return compute_root(await store.list_frontier_hashes(work, size))


async def prove_inclusion(
    work: UnitOfWork, decision_id: str, size: int | None, key: Ed25519PrivateKey
) -> Mapping[str, Any]:
    """The proof that the leaf of a decision is in the tree. Raises `NoDecision`, `NotYetAppended`, `NotInThatTree`,
    `NoSuchTree`."""
    found = await store.get_leaf(work, decision_id)
    if found is None:
        raise DecisionNotFound
    if found["index"] is None:
        raise NotYetAppended
    of = (await get_tree_head(work))[0] if size is None else size
    root = await _get_root_at(work, of)
    if found["index"] >= of:
        raise NotInTreeOfThisSize
    (proof,) = await store.list_inclusion_proofs(work, [found["index"]], of)
    return {
        "index": found["index"],
        "size": of,
        "data": found["data"].decode(),
        "leaf_hash": hash_leaf(found["data"]),
        "proof": proof,
        "root": root,
        "checkpoint": sign_checkpoint(JOURNAL_ORIGIN, of, root, key),
    }


async def prove_consistency(work: UnitOfWork, old: int, new: int) -> Mapping[str, Any]:
    """The proof that the tree of `new` begins with the tree of `old`. Raises `NoSuchTree`."""
    if old > new:
        raise TreeNeverHadThisSize
    new_root = await _get_root_at(work, new)
    return {
        "from": old,
        "to": new,
        "from_root": await _get_root_at(work, old),
        "to_root": new_root,
        "proof": await store.get_consistency_proof(work, old, new),
    }


# -- export ------------------------------------------------------------------------------------------------------------


async def begin_range_export(
    work: UnitOfWork,
    start: int | None,
    end: int | None,
    since: datetime | None,
    until: datetime | None,
    key: Ed25519PrivateKey,
) -> Mapping[str, Any]:
    """Which leaves are exported, and what proves them: `start, end, left, note`. Raises `NoSuchTree`, `NotKept`."""
    size, _ = await get_tree_head(work)
    first = await store.get_first_kept_index(work)
    begin, stop = first if start is None else start, size if end is None else end
    if since is not None or until is not None:
        spanned = await store.get_index_range(work, since, until) or (stop, stop)
        begin, stop = max(begin, spanned[0]), max(begin, spanned[0], min(stop, spanned[1]))
    if not begin <= stop <= size:
        raise TreeNeverHadThisSize
    if begin < first and begin < stop:
        raise EntriesArchived
    await insert_journal_entry(work, "journal.exported", details={"from": begin, "to": stop})
    return {
        "start": begin,
        "end": stop,
        "left": await store.list_frontier_hashes(work, begin),
        "note": sign_checkpoint(JOURNAL_ORIGIN, stop, await _get_root_at(work, stop), key),
    }


class TilePage(NamedTuple):
    """Leaves of a tile up to `end`, by number, its kept hashes, and the checkpoints kept that the present key signed."""

    end: int
    leaves: Mapping[int, bytes]
    hashes: Sequence[bytes]
    notes: Mapping[int, str]


async def read_tile_page(work: UnitOfWork, start: int, end: int, key: str) -> TilePage | None:
    """What is exported of the first leaves of [start, end), all of one tile; None if they were archived meanwhile."""
    if start < await store.get_first_kept_index(work):
        return None
    leaves = await store.list_leaves(work, start, end)
    end = max(leaves, default=end - 1) + 1
    kept = await store.list_checkpoints(work, start, end)
    return TilePage(
        end,
        leaves,
        await store.list_tile_hashes(work, start // TILE_SIZE),
        {size: note for size, note in kept.items() if verify_checkpoint(note, key) is not None},
    )


async def stream_range_export(
    read: ReadInTransaction, begun: Mapping[str, Any], key: Ed25519PrivateKey
) -> AsyncIterator[bytes]:
    """The lines of an export that has begun, in the memory of a page; `read` runs a reader in a transaction.

    Leaves stand beside the hashes that were kept when they were appended: whoever changed one in the database is shown.
    """
    start, end, verifier = begun["start"], begun["end"], get_verifier_key(key)
    yield format_range_header(JOURNAL_ORIGIN, verifier, start, end, begun["left"])
    begin, kept = start, 0
    while start < end:
        first = start // TILE_SIZE * TILE_SIZE
        last = min(first + TILE_SIZE, end)
        found: TilePage | None = await read(read_tile_page, start, last, verifier)
        if found is None:
            return  # without its last line, the file says that it is not whole
        kept += len(found.notes)
        hashes = found.hashes[max(begin - first, 0) : last - first] if found.end == last else None
        yield format_tile(start, found.end, found.leaves, hashes, found.notes)
        start = found.end
    yield format_range_footer(end, begun["note"], kept)


async def begin_selection_export(
    work: UnitOfWork, employee_id: str | None, client_ref: str | None, key: Ed25519PrivateKey
) -> tuple[Mapping[str, str], int, str]:
    """About whom, by ids; the size of the tree that entries are proven against; its checkpoint."""
    client_id = await get_client_id(work, client_ref) if client_ref and "~" in client_ref else client_ref
    named = {name: id for name, id in (("employee_id", employee_id), ("client_id", client_id)) if id is not None}
    size, frontier = await get_tree_head(work)
    await insert_journal_entry(
        work,
        "journal.exported",
        employee_id=named.get("employee_id"),
        client_id=named.get("client_id"),
        details={"size": size},
    )
    return named, size, sign_checkpoint(JOURNAL_ORIGIN, size, compute_root(frontier), key)


async def list_selected_entries(
    work: UnitOfWork,
    named: Mapping[str, str],
    after: int,
    size: int,
    since: datetime | None,
    until: datetime | None,
) -> Sequence[tuple[int, bytes, list[bytes]]]:
    """The next entries about somebody: number, data and proof."""
    rows = await store.list_leaves_about(work, named, after, size, since, until)
    found = await store.list_inclusion_proofs(work, [row["index"] for row in rows], size)
    return [(row["index"], row["data"], proof) for row, proof in zip(rows, found, strict=True)]


# -- outside -----------------------------------------------------------------------------------------------------------


async def create_checkpoint_regularly(runtime: Runtime) -> bool:
    """Every five minutes, if the tree grew."""
    if (await runtime.transact(get_tree_head))[0]:
        await runtime.transact(create_checkpoint, runtime.keys.signing_key)
    return False


async def send_checkpoints(runtime: Runtime) -> bool:
    """Takes checkpoints to where the administrator of the database cannot write, until they are there; whether some were.

    One place that is down keeps nothing from the other. Two replicas may send the same one: it says the same twice.
    """
    settings = runtime.settings
    places: list[tuple[store.CheckpointPlace, Path | str | None, Callable[[Any, str], Awaitable[None]]]] = [
        ("file", settings.checkpoint_file, _append_to_file),
        ("webhook", settings.checkpoint_webhook, _post_to_webhook),
    ]
    sent = [
        await _send_to_place(runtime, place, address, deliver)
        for place, address, deliver in places
        if address is not None
    ]
    return any(sent)


async def _send_to_place(
    runtime: Runtime, place: store.CheckpointPlace, address: Path | str, deliver: Callable[[Any, str], Awaitable[None]]
) -> bool:
    waiting = await runtime.transact(store.list_unsent_checkpoints, place)
    if not waiting:
        return False
    alarm = runtime.metrics.alarm.labels(runtime.name, f"checkpoint_{place}")
    try:
        await deliver(address, "\n".join(row["note"] for row in waiting))
    except (OSError, httpx.HTTPError) as error:
        log.warning("journal.checkpoint_not_sent", place=place, error=type(error).__name__)
        alarm.set(len(waiting))
        return False
    alarm.set(0)
    await runtime.transact(store.update_checkpoints_sent, place, [row["size"] for row in waiting])
    return True


async def _post_to_webhook(address: str, text: str) -> None:
    async with httpx.AsyncClient(timeout=10) as client:
        headers = {"content-type": "text/plain; charset=utf-8"}
        (await client.post(address, content=text.encode(), headers=headers)).raise_for_status()


async def _append_to_file(file: Path, text: str) -> None:
    await asyncio.to_thread(_append_durably, file, text)


def _append_durably(file: Path, text: str) -> None:
    """Durably: a checkpoint that counts as sent is there after a power cut."""
    with file.open("a") as opened:
        opened.write(("\n" if opened.tell() else "") + text)
        opened.flush()
        os.fsync(opened.fileno())
