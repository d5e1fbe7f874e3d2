"""The journal of long ago goes to files that prove themselves."""

import asyncio
import os
from collections.abc import Awaitable
from datetime import UTC, date
from pathlib import Path

import structlog

from services.clients.archive import store
from services.clients.journal.store import delete_month, get_partition_name, insert_journal_entry
from services.clients.legal_holds.store import lock_legal_holds
from services.clients.proofs.handlers import (
    TilePage,
    begin_range_export,
    get_verifier_key,
    read_tile_page,
    stream_range_export,
)
from services.clients.proofs.rules.verdict import Verdict
from services.clients.proofs.rules.verification import verify_export
from shared.database import UnitOfWork
from shared.service import Runtime

log = structlog.get_logger()


async def archive_oldest_month(runtime: Runtime) -> bool:
    """Exports the oldest month that is old enough, verifies the file, and only then drops the month.

    One month after the other, so that what is left is one run of the tree; a hold stops it. One replica at a time.
    """
    keep = runtime.settings.journal_keep
    if not keep:
        return False
    async with runtime.database.connect() as connection:
        if not await store.lock_archive(connection):
            return False
        alarm = runtime.metrics.alarm.labels(runtime.name, "journal_archive")
        alarm.set(1)  # unless this comes to its end
        try:
            dropped = await _archive_next_month(runtime, keep)
        finally:
            await store.unlock_archive(connection)
        alarm.set(dropped is None)
        return bool(dropped)


async def _archive_next_month(runtime: Runtime, keep: int) -> bool | None:
    """Whether a month went; None: its file does not verify."""
    before = _months_before(runtime.clock().astimezone(UTC).date(), keep)
    oldest = await runtime.transact(store.get_oldest_unarchived_month, before)
    if oldest is None or oldest.is_held:
        return False
    folder = runtime.settings.journal_archive or runtime.settings.data_dir / "journal"
    file = folder / f"{get_partition_name(oldest.month)}.ndjson"
    if not await _export_month(runtime, oldest.first_leaf, oldest.end_leaf, file):
        log.error("journal.archive_not_verified", month=str(oldest.month))
        return None
    return await runtime.transact(_delete_month, oldest.month, before)


async def _export_month(runtime: Runtime, start: int, end: int, file: Path) -> bool:
    """Whether what was written verifies; only then the file has its name."""
    key = runtime.keys.signing_key
    verifier_key = get_verifier_key(key)
    export = await runtime.transact(begin_range_export, start, end, None, None, key)

    def read_page(from_index: int) -> Awaitable[TilePage | None]:
        return runtime.transact(read_tile_page, export, from_index, verifier_key)

    await asyncio.to_thread(file.parent.mkdir, parents=True, exist_ok=True)
    for left in file.parent.glob(f"{file.name}.*.part"):  # by a crash
        left.unlink(missing_ok=True)
    part = file.with_name(f"{file.name}.{runtime.id}.part")
    try:
        with part.open("wb") as opened:
            async for lines in stream_range_export(read_page, export, verifier_key):
                await asyncio.to_thread(opened.write, lines)
            await asyncio.to_thread(os.fsync, opened.fileno())
        verdict = await asyncio.to_thread(_verify_file, part, verifier_key)
        if not verdict.good or verdict.entries != end - start:
            return False
        part.replace(file)
        await asyncio.to_thread(_sync_folder, file.parent)
        return True
    finally:
        part.unlink(missing_ok=True)  # else it would fill the disk on which decisions depend


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _verify_file(file: Path, key: str) -> Verdict:
    with file.open("rb") as lines:
        return verify_export(lines, key, [])


async def _delete_month(work: UnitOfWork, month: date, before: date) -> bool:
    """Whether the month was dropped: not if another replica did, or a hold came in between."""
    await lock_legal_holds(work)
    oldest = await store.get_oldest_unarchived_month(work, before)
    if oldest is None or oldest.month != month or oldest.is_held:
        return False
    await delete_month(work, month)
    await insert_journal_entry(
        work, "journal.archived", details={"month": str(month), "from": oldest.first_leaf, "to": oldest.end_leaf}
    )
    return True


def _months_before(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)
