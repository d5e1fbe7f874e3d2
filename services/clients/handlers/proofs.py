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

from services.clients.domain import notes, transcript, tree
from services.clients.store import journal, proofs, refs
from services.clients.store.sequencing import tree_now
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused, Unprocessable
from shared.service import Runtime

log = structlog.get_logger()

ORIGIN = "holdfast/journal"
Read = Callable[..., Awaitable[Any]]


class NotYetAppended(Refused, code="not_yet_appended"):
    """This decision waits to be appended to the journal's tree. Ask again in a second."""


class NoSuchTree(Unprocessable, code="no_such_tree"):
    """The journal never had this size: ask for a size up to that of the newest checkpoint, the older one first."""


class NotInThatTree(Unprocessable, code="not_in_that_tree"):
    """This decision came after the journal had this size. Ask for a later size, or leave it out."""


class NoDecision(NotFound, code="no_decision"):
    """No decision with this id is in the journal. If its month was archived, the file of that month holds and proves it."""


class NotKept(Refused, code="not_kept"):
    """These entries are no longer here: each month that was archived is a file where the operators keep the archive."""


def verifier_key(key: Ed25519PrivateKey) -> str:
    return notes.verifier_key(ORIGIN, key.public_key())


async def checkpoint(work: UnitOfWork, key: Ed25519PrivateKey) -> Mapping[str, Any]:
    """A signed checkpoint of the tree as it is now, kept from now on."""
    size, frontier = await tree_now(work)
    kept = await proofs.keep_checkpoint(work, size, notes.write(ORIGIN, size, tree.root(frontier), key))
    return {**kept, "root": tree.root(frontier)}


async def _root_at(work: UnitOfWork, size: int) -> bytes:
    """Raises `NoSuchTree`."""
    now, _ = await tree_now(work)
    if size > now:
        raise NoSuchTree
    return tree.root(await proofs.frontier(work, size))


async def inclusion(work: UnitOfWork, decision_id: str, size: int | None, key: Ed25519PrivateKey) -> Mapping[str, Any]:
    """The proof that the leaf of a decision is in the tree. Raises `NoDecision`, `NotYetAppended`, `NotInThatTree`,
    `NoSuchTree`."""
    found = await proofs.leaf(work, decision_id)
    if found is None:
        raise NoDecision
    if found["index"] is None:
        raise NotYetAppended
    of = (await tree_now(work))[0] if size is None else size
    root = await _root_at(work, of)
    if found["index"] >= of:
        raise NotInThatTree
    (proof,) = await proofs.inclusion(work, [found["index"]], of)
    return {
        "index": found["index"],
        "size": of,
        "data": found["data"].decode(),
        "leaf_hash": tree.leaf_hash(found["data"]),
        "proof": proof,
        "root": root,
        "checkpoint": notes.write(ORIGIN, of, root, key),
    }


async def consistency(work: UnitOfWork, old: int, new: int) -> Mapping[str, Any]:
    """The proof that the tree of `new` begins with the tree of `old`. Raises `NoSuchTree`."""
    if old > new:
        raise NoSuchTree
    new_root = await _root_at(work, new)
    return {
        "from": old,
        "to": new,
        "from_root": await _root_at(work, old),
        "to_root": new_root,
        "proof": await proofs.consistency(work, old, new),
    }


# -- export ------------------------------------------------------------------------------------------------------------


async def begin_whole(
    work: UnitOfWork,
    start: int | None,
    end: int | None,
    since: datetime | None,
    until: datetime | None,
    key: Ed25519PrivateKey,
) -> Mapping[str, Any]:
    """Which leaves are exported, and what proves them: `start, end, left, note`. Raises `NoSuchTree`, `NotKept`."""
    size, _ = await tree_now(work)
    first = await proofs.first_kept(work)
    begin, stop = first if start is None else start, size if end is None else end
    if since is not None or until is not None:
        spanned = await proofs.span(work, since, until) or (stop, stop)
        begin, stop = max(begin, spanned[0]), max(begin, spanned[0], min(stop, spanned[1]))
    if not begin <= stop <= size:
        raise NoSuchTree
    if begin < first and begin < stop:
        raise NotKept
    await journal.write(work, "journal.exported", details={"from": begin, "to": stop})
    return {
        "start": begin,
        "end": stop,
        "left": await proofs.frontier(work, begin),
        "note": notes.write(ORIGIN, stop, await _root_at(work, stop), key),
    }


class Page(NamedTuple):
    """Leaves of a tile up to `end`, by number, its kept hashes, and the checkpoints kept that the present key signed."""

    end: int
    leaves: Mapping[int, bytes]
    hashes: Sequence[bytes]
    notes: Mapping[int, str]


async def page(work: UnitOfWork, start: int, end: int, key: str) -> Page | None:
    """What is exported of the first leaves of [start, end), all of one tile; None if they were archived meanwhile."""
    if start < await proofs.first_kept(work):
        return None
    leaves = await proofs.leaves(work, start, end)
    end = max(leaves, default=end - 1) + 1
    kept = await proofs.checkpoints(work, start, end)
    return Page(
        end,
        leaves,
        await proofs.tile(work, start // tree.TILE),
        {size: note for size, note in kept.items() if notes.verify(note, key) is not None},
    )


async def whole(read: Read, begun: Mapping[str, Any], key: Ed25519PrivateKey) -> AsyncIterator[bytes]:
    """The lines of an export that has begun, in the memory of a page; `read` runs a reader in a transaction.

    Leaves stand beside the hashes that were kept when they were appended: whoever changed one in the database is shown.
    """
    start, end, verifier = begun["start"], begun["end"], verifier_key(key)
    yield transcript.first_line(ORIGIN, verifier, start, end, begun["left"])
    begin, kept = start, 0
    while start < end:
        first = start // tree.TILE * tree.TILE
        last = min(first + tree.TILE, end)
        found: Page | None = await read(page, start, last, verifier)
        if found is None:
            return  # without its last line, the file says that it is not whole
        kept += len(found.notes)
        hashes = found.hashes[max(begin - first, 0) : last - first] if found.end == last else None
        yield transcript.tile_lines(start, found.end, found.leaves, hashes, found.notes)
        start = found.end
    yield transcript.last_line(end, begun["note"], kept)


async def begin_selection(
    work: UnitOfWork, employee_id: str | None, client_ref: str | None, key: Ed25519PrivateKey
) -> tuple[Mapping[str, str], int, str]:
    """About whom, by ids; the size of the tree that entries are proven against; its checkpoint."""
    client_id = await refs.real(work, client_ref) if client_ref and "~" in client_ref else client_ref
    named = {name: id for name, id in (("employee_id", employee_id), ("client_id", client_id)) if id is not None}
    size, frontier = await tree_now(work)
    await journal.write(
        work,
        "journal.exported",
        employee_id=named.get("employee_id"),
        client_id=named.get("client_id"),
        details={"size": size},
    )
    return named, size, notes.write(ORIGIN, size, tree.root(frontier), key)


async def selected(
    work: UnitOfWork,
    named: Mapping[str, str],
    after: int,
    size: int,
    since: datetime | None,
    until: datetime | None,
) -> Sequence[tuple[int, bytes, list[bytes]]]:
    """The next entries about somebody: number, data and proof."""
    rows = await proofs.about(work, named, after, size, since, until)
    found = await proofs.inclusion(work, [row["index"] for row in rows], size)
    return [(row["index"], row["data"], proof) for row, proof in zip(rows, found, strict=True)]


# -- outside -----------------------------------------------------------------------------------------------------------


async def make_checkpoint(runtime: Runtime) -> bool:
    """Every five minutes, if the tree grew."""
    if (await runtime.transact(tree_now))[0]:
        await runtime.transact(checkpoint, runtime.keys.signing_key)
    return False


async def send_checkpoints(runtime: Runtime) -> bool:
    """Takes checkpoints to where the administrator of the database cannot write, until they are there; whether some were.

    One place that is down keeps nothing from the other. Two replicas may send the same one: it says the same twice.
    """
    settings = runtime.settings
    places: list[tuple[proofs.Place, Path | str | None, Callable[[Any, str], Awaitable[None]]]] = [
        ("file", settings.checkpoint_file, _append_to),
        ("webhook", settings.checkpoint_webhook, _post),
    ]
    sent = [await _send(runtime, place, address, deliver) for place, address, deliver in places if address is not None]
    return any(sent)


async def _send(
    runtime: Runtime, place: proofs.Place, address: Path | str, deliver: Callable[[Any, str], Awaitable[None]]
) -> bool:
    waiting = await runtime.transact(proofs.unsent, place)
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
    await runtime.transact(proofs.mark_sent, place, [row["size"] for row in waiting])
    return True


async def _post(address: str, text: str) -> None:
    async with httpx.AsyncClient(timeout=10) as client:
        headers = {"content-type": "text/plain; charset=utf-8"}
        (await client.post(address, content=text.encode(), headers=headers)).raise_for_status()


async def _append_to(file: Path, text: str) -> None:
    await asyncio.to_thread(_append, file, text)


def _append(file: Path, text: str) -> None:
    """Durably: a checkpoint that counts as sent is there after a power cut."""
    with file.open("a") as opened:
        opened.write(("\n" if opened.tell() else "") + text)
        opened.flush()
        os.fsync(opened.fileno())
