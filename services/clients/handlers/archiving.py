"""The journal of long ago goes to files that prove themselves; legal holds keep it here."""

import asyncio
import os
from collections.abc import Mapping
from datetime import UTC, date
from pathlib import Path
from typing import Any

import structlog

from services.clients.domain import transcript
from services.clients.handlers import proofs
from services.clients.handlers.acting import OwnAffair, lock_with_actor
from services.clients.store import archive, erasures, journal
from services.clients.store.sequencing import partition_of
from shared.contracts.clients import ErasureDone, JournalHeld, JournalReleased
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused
from shared.people.rules import UnknownEmployee
from shared.service import Runtime

log = structlog.get_logger()
ARCHIVING = 7286  # the lock of whoever archives


class AlreadyErased(Refused, code="already_erased"):
    """Who this was has been erased; there is nothing left to hold."""


class NotHeld(NotFound, code="not_held"):
    """There is no legal hold of this employee."""


async def hold(work: UnitOfWork, employee_id: str, reason: str) -> Mapping[str, Any]:
    """Keeps all that the journal knows of somebody; again changes nothing.

    Raises `OwnAffair`, `UnknownEmployee`, `AlreadyErased`.
    """
    if employee_id == work.actor:
        raise OwnAffair
    rows = await lock_with_actor(work, changing=[employee_id])
    if rows[employee_id].status is None and not rows[employee_id].frozen:
        raise UnknownEmployee
    if await erasures.act(work, "employee", employee_id) is not None:
        raise AlreadyErased
    if await archive.hold(work, employee_id, reason):
        await journal.write(work, "journal.held", employee_id=employee_id)
        work.publish(JournalHeld(employee_id=employee_id))
    return await archive.held(work, employee_id) or {}


async def release(work: UnitOfWork, employee_id: str) -> None:
    """Raises `OwnAffair`, `NotHeld`. What was erased meanwhile is now erased here too."""
    if employee_id == work.actor:
        raise OwnAffair
    await lock_with_actor(work, changing=[employee_id])
    if not await archive.release(work, employee_id):
        raise NotHeld
    await journal.write(work, "journal.released", employee_id=employee_id)
    work.publish(JournalReleased(employee_id=employee_id))
    if await erasures.let_go(work, employee_id):
        work.publish(ErasureDone(employee_id=employee_id, what={}))


# -- archive -----------------------------------------------------------------------------------------------------------


async def archive_old(runtime: Runtime) -> bool:
    """Exports the oldest month that is old enough, verifies the file, and only then drops the month.

    One month after the other, so that what is left is one run of the tree; a hold stops it. One replica at a time.
    """
    keep = runtime.settings.journal_keep
    if not keep:
        return False
    async with runtime.database.connect() as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", ARCHIVING):
            return False
        alarm = runtime.metrics.alarm.labels(runtime.name, "journal_archive")
        alarm.set(1)  # unless this comes to its end
        try:
            dropped = await _archive_next(runtime, keep)
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", ARCHIVING)
        alarm.set(dropped is None)
        return bool(dropped)


async def _archive_next(runtime: Runtime, keep: int) -> bool | None:
    """Whether a month went; None: its file does not verify."""
    before = _months_before(runtime.clock().astimezone(UTC).date(), keep)
    found = await runtime.transact(archive.oldest, before)
    if found is None or found["held"]:
        return False
    folder = runtime.settings.journal_archive or runtime.settings.data_dir / "journal"
    file = folder / f"{partition_of(found['month'])}.ndjson"
    if not await _export(runtime, found["first"], found["next"], file):
        log.error("journal.archive_not_verified", month=str(found["month"]))
        return None
    return await runtime.transact(_drop, found["month"], before)


async def _export(runtime: Runtime, start: int, end: int, file: Path) -> bool:
    """Whether what was written verifies; only then the file has its name."""

    async def read(reader: Any, *args: Any) -> Any:
        return await runtime.transact(reader, *args)

    key = runtime.keys.signing_key
    begun = await runtime.transact(proofs.begin_whole, start, end, None, None, key)
    await asyncio.to_thread(file.parent.mkdir, parents=True, exist_ok=True)
    for left in file.parent.glob(f"{file.name}.*.part"):  # by a crash
        left.unlink(missing_ok=True)
    part = file.with_name(f"{file.name}.{runtime.id}.part")
    try:
        with part.open("wb") as opened:
            async for lines in proofs.whole(read, begun, key):
                await asyncio.to_thread(opened.write, lines)
            await asyncio.to_thread(_to_disk, opened.fileno())
        verdict = await asyncio.to_thread(_verify, part, proofs.verifier_key(key))
        if not verdict.good or verdict.entries != end - start:
            return False
        part.replace(file)
        await asyncio.to_thread(_folder_to_disk, file.parent)
        return True
    finally:
        part.unlink(missing_ok=True)  # else it would fill the disk on which decisions depend


def _to_disk(opened: int) -> None:
    os.fsync(opened)


def _folder_to_disk(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _verify(file: Path, key: str) -> transcript.Verdict:
    with file.open("rb") as lines:
        return transcript.verify(lines, key, [])


async def _drop(work: UnitOfWork, month: date, before: date) -> bool:
    """Whether the month was dropped: not if another replica did, or a hold came in between."""
    await archive.close_holds(work)
    found = await archive.oldest(work, before)
    if found is None or found["month"] != month or found["held"]:
        return False
    await archive.drop(work, month)
    await journal.write(
        work, "journal.archived", details={"month": str(month), "from": found["first"], "to": found["next"]}
    )
    return True


def _months_before(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)
