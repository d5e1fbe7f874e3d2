"""What auditors ask: checkpoints and proofs, and the journal as it was hashed. Checkpoints go outside by themselves."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import httpx
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field

from services.clients.journal.rules import TILE_SIZE, compute_root, hash_leaf
from services.clients.journal.store import get_tree_head, insert_journal_entry
from services.clients.names.store import get_client_id_or_ref
from services.clients.proofs import store
from services.clients.proofs.rules import checkpoints, export_format
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused, Unprocessable
from shared.service import Runtime

log = structlog.get_logger()
JOURNAL_ORIGIN = "holdfast/journal"


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


Hash = Annotated[str, Field(description="SHA-256, in base64")]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`note` is a C2SP tlog-checkpoint, signed: keep it where the database's administrator cannot write."""

    size: int
    root: Hash
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public key in the form of C2SP signed notes. Take it once, by a road of its own."""

    key: str


@dataclass(frozen=True, slots=True)
class Inclusion:
    """RFC 6962, 2.1.1: `data` is the entry as it was hashed, leaf `index` of the tree of `size` with `root`."""

    index: int
    size: int
    data: str
    leaf_hash: Hash
    proof: list[Hash]
    root: Hash
    checkpoint: str


@dataclass(frozen=True, slots=True)
class Consistency:
    """RFC 6962, 2.1.2: the tree of `to` begins with the tree of `from`."""

    from_size: Annotated[int, Field(alias="from")]
    to_size: Annotated[int, Field(alias="to")]
    from_root: Hash
    to_root: Hash
    proof: list[Hash]


def get_verifier_key(key: Ed25519PrivateKey) -> str:
    return checkpoints.format_verifier_key(JOURNAL_ORIGIN, key.public_key())


async def create_checkpoint(work: UnitOfWork, key: Ed25519PrivateKey) -> Checkpoint:
    """A signed checkpoint of the tree as it is now, kept from now on."""
    size, frontier = await get_tree_head(work)
    root = compute_root(frontier)
    kept = await store.insert_or_get_checkpoint(
        work, size, checkpoints.sign_checkpoint(JOURNAL_ORIGIN, size, root, key)
    )
    return Checkpoint(size, checkpoints.encode_base64(root), kept.note, kept.at)


async def _get_root_at(work: UnitOfWork, size: int) -> bytes:
    """Raises `TreeNeverHadThisSize`."""
    if size > (await get_tree_head(work))[0]:
        raise TreeNeverHadThisSize
    return compute_root(await store.list_frontier_hashes(work, size))


async def prove_inclusion(work: UnitOfWork, decision_id: str, size: int | None, key: Ed25519PrivateKey) -> Inclusion:
    """The proof that the leaf of a decision is in the tree, as it is now or had this size.

    Raises `DecisionNotFound`, `NotYetAppended`, `NotInTreeOfThisSize`, `TreeNeverHadThisSize`.
    """
    leaf = await store.get_leaf(work, decision_id)
    if leaf is None:
        raise DecisionNotFound
    if leaf.index is None:
        raise NotYetAppended
    if size is None:
        size, _ = await get_tree_head(work)
    root = await _get_root_at(work, size)
    if leaf.index >= size:
        raise NotInTreeOfThisSize
    (proof,) = await store.list_inclusion_proofs(work, [leaf.index], size)
    return Inclusion(
        index=leaf.index,
        size=size,
        data=leaf.data.decode(),
        leaf_hash=checkpoints.encode_base64(hash_leaf(leaf.data)),
        proof=[checkpoints.encode_base64(node) for node in proof],
        root=checkpoints.encode_base64(root),
        checkpoint=checkpoints.sign_checkpoint(JOURNAL_ORIGIN, size, root, key),
    )


async def prove_consistency(work: UnitOfWork, old_size: int, new_size: int) -> Consistency:
    """The proof that the tree of `new_size` begins with the tree of `old_size`. Raises `TreeNeverHadThisSize`."""
    if old_size > new_size:
        raise TreeNeverHadThisSize
    new_root = await _get_root_at(work, new_size)
    old_root = await _get_root_at(work, old_size)
    proof = await store.get_consistency_proof(work, old_size, new_size)
    return Consistency(
        old_size,
        new_size,
        checkpoints.encode_base64(old_root),
        checkpoints.encode_base64(new_root),
        [checkpoints.encode_base64(node) for node in proof],
    )


# -- export ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RangeExport:
    """The leaves [start, end) are exported; `frontier` are the complete subtrees of those before, `checkpoint_note` the signed
    checkpoint."""

    start: int
    end: int
    frontier: Sequence[bytes]
    checkpoint_note: str


@dataclass(frozen=True, slots=True)
class SelectionExport:
    """About whom, by ids, and of when; the size of the tree that entries are proven against; its signed checkpoint."""

    subject_ids: Mapping[str, str]
    since: datetime | None
    until: datetime | None
    size: int
    checkpoint_note: str


async def begin_range_export(
    work: UnitOfWork,
    start: int | None,
    end: int | None,
    since: datetime | None,
    until: datetime | None,
    key: Ed25519PrivateKey,
) -> RangeExport:
    """Which leaves are exported, and what proves them. Raises `TreeNeverHadThisSize`, `EntriesArchived`."""
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
    note = checkpoints.sign_checkpoint(JOURNAL_ORIGIN, stop, await _get_root_at(work, stop), key)
    return RangeExport(begin, stop, await store.list_frontier_hashes(work, begin), note)


@dataclass(frozen=True, slots=True)
class TilePage:
    """The lines of leaves up to `end`; `checkpoint_count` kept checkpoints stand among them."""

    end: int
    lines: bytes
    checkpoint_count: int


async def read_tile_page(work: UnitOfWork, export: RangeExport, start: int, verifier_key: str) -> TilePage | None:
    """The next leaves of an export, all of one tile, with the kept checkpoints that this key signed.

    None if they were archived meanwhile.
    """
    if start < await store.get_first_kept_index(work):
        return None
    first = start // TILE_SIZE * TILE_SIZE
    last = min(first + TILE_SIZE, export.end)
    leaves = await store.list_page_of_leaves(work, start, last)
    end = max(leaves, default=last - 1) + 1
    kept = await store.list_checkpoint_notes_by_size(work, start, end)
    notes = {
        size: note
        for size, note in kept.items()
        if checkpoints.parse_checkpoint_if_signed_by(note, verifier_key) is not None
    }
    hashes = await store.list_tile_hashes(work, start // TILE_SIZE)
    exported_hashes = hashes[max(export.start - first, 0) : last - first] if end == last else None
    return TilePage(end, export_format.format_tile(start, end, leaves, exported_hashes, notes), len(notes))


async def stream_range_export(
    read_page: Callable[[int], Awaitable[TilePage | None]], export: RangeExport, verifier_key: str
) -> AsyncIterator[bytes]:
    """The lines of an export that has begun, in the memory of a page; `read_page` is `read_tile_page` from a leaf on.

    Leaves stand beside the hashes that were kept when they were appended: whoever changed one in the database is shown.
    """
    yield export_format.format_range_header(JOURNAL_ORIGIN, verifier_key, export.start, export.end, export.frontier)
    start, kept = export.start, 0
    while start < export.end:
        page = await read_page(start)
        if page is None:
            return  # without its last line, the file says that it is not whole
        yield page.lines
        start, kept = page.end, kept + page.checkpoint_count
    yield export_format.format_range_footer(export.end, export.checkpoint_note, kept)


async def begin_selection_export(
    work: UnitOfWork,
    employee_id: str | None,
    client_ref: str | None,
    since: datetime | None,
    until: datetime | None,
    key: Ed25519PrivateKey,
) -> SelectionExport:
    """What proves the entries about an employee, a client or both."""
    client_id = await get_client_id_or_ref(work, client_ref) if client_ref and "~" in client_ref else client_ref
    subject_ids = {name: id for name, id in (("employee_id", employee_id), ("client_id", client_id)) if id is not None}
    size, frontier = await get_tree_head(work)
    await insert_journal_entry(
        work, "journal.exported", employee_id=employee_id, client_id=client_id, details={"size": size}
    )
    note = checkpoints.sign_checkpoint(JOURNAL_ORIGIN, size, compute_root(frontier), key)
    return SelectionExport(subject_ids, since, until, size, note)


async def list_selected_entries(
    work: UnitOfWork, export: SelectionExport, after: int
) -> list[tuple[int, bytes, list[bytes]]]:
    """The next entries about somebody: number, data and proof."""
    leaves = await store.list_page_of_leaves_about(
        work, export.subject_ids, after, export.size, export.since, export.until
    )
    proofs = await store.list_inclusion_proofs(work, list(leaves), export.size)
    return [(index, data, proof) for (index, data), proof in zip(leaves.items(), proofs, strict=True)]


async def stream_selection_export(
    read_page: Callable[[int], Awaitable[list[tuple[int, bytes, list[bytes]]]]],
    export: SelectionExport,
    verifier_key: str,
) -> AsyncIterator[bytes]:
    """The lines of an export that has begun; `read_page` is `list_selected_entries` after an entry."""
    yield export_format.format_selection_header(JOURNAL_ORIGIN, verifier_key, export.size, export.checkpoint_note)
    after, count = -1, 0
    while entries := await read_page(after):
        yield b"".join(export_format.format_selected_entry(*entry) for entry in entries)
        after, count = entries[-1][0], count + len(entries)
    yield export_format.format_selection_footer(count)


# -- outside -----------------------------------------------------------------------------------------------------------


async def create_checkpoint_if_grown(runtime: Runtime) -> bool:
    """Every five minutes, if the tree grew."""
    if (await runtime.transact(get_tree_head))[0]:
        await runtime.transact(create_checkpoint, runtime.keys.signing_key)
    return False


async def send_checkpoints(runtime: Runtime) -> bool:
    """Takes checkpoints to where the administrator of the database cannot write, until they are there; whether some were.

    One place that is down keeps nothing from the other. Two replicas may send the same one: it says the same twice.
    """
    file, webhook = runtime.settings.checkpoint_file, runtime.settings.checkpoint_webhook
    filed = file is not None and await _send_to_place(runtime, "file", partial(_append_to_file, file))
    posted = webhook is not None and await _send_to_place(runtime, "webhook", partial(_post_to_webhook, webhook))
    return filed or posted


async def _send_to_place(
    runtime: Runtime, place: store.CheckpointPlace, deliver: Callable[[str], Awaitable[None]]
) -> bool:
    waiting = await runtime.transact(store.list_unsent_checkpoints, place)
    if not waiting:
        return False
    alarm = runtime.metrics.alarm.labels(runtime.name, f"checkpoint_{place}")
    try:
        await deliver("\n".join(checkpoint.note for checkpoint in waiting))
    except (OSError, httpx.HTTPError) as error:
        log.warning("journal.checkpoint_not_sent", place=place, error=type(error).__name__)
        alarm.set(len(waiting))
        return False
    alarm.set(0)
    await runtime.transact(store.update_checkpoints_sent, place, [checkpoint.size for checkpoint in waiting])
    return True


async def _post_to_webhook(address: str, text: str) -> None:
    async with httpx.AsyncClient(timeout=10) as client:
        headers = {"content-type": "text/plain; charset=utf-8"}
        (await client.post(address, content=text.encode(), headers=headers)).raise_for_status()


async def _append_to_file(file: Path, text: str) -> None:
    """Durably: a checkpoint that counts as sent is there after a power cut."""

    def append() -> None:
        with file.open("a") as opened:
            opened.write(("\n" if opened.tell() else "") + text)
            opened.flush()
            os.fsync(opened.fileno())

    await asyncio.to_thread(append)
