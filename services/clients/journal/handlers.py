"""What others decided is entered, what waits is appended to the tree; without room nothing is decided."""

import asyncio
import shutil

import structlog

from services.clients.journal.store.entries import insert_entry_of_other_service
from services.clients.journal.store.tree import APPEND_BATCH_SIZE, append_leaves
from shared.contracts.clients import JournalEntry
from shared.database import UnitOfWork
from shared.errors import Unavailable
from shared.messages import Envelope
from shared.service import Runtime

log = structlog.get_logger()


class NoRoomForTheJournal(Unavailable, code="no_room_for_the_journal"):
    """The disk is nearly full, and no decision is made that cannot be journaled. Make room; freezes are in force."""


async def check_disk_space(runtime: Runtime) -> bool:
    settings = runtime.settings
    folder = next(
        place for place in (settings.data_dir.absolute(), *settings.data_dir.absolute().parents) if place.exists()
    )
    free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
    full = free < settings.disk_reserve or (
        settings.database_limit is not None and await runtime.transact(_get_database_size) > settings.database_limit
    )
    if full != runtime.state.get("full", False):
        log.error("journal.no_room" if full else "journal.room_again")
    runtime.state["full"] = full
    runtime.metrics.alarm.labels(runtime.name, "disk").set(full)
    return False


async def _get_database_size(work: UnitOfWork) -> int:
    return int(await work.fetch_value("SELECT pg_database_size(current_database())"))


def require_journal_space(runtime: Runtime) -> None:
    """Raises `NoRoomForTheJournal`."""
    if runtime.state.get("full"):
        raise NoRoomForTheJournal


async def on_journal_entry(work: UnitOfWork, envelope: Envelope[JournalEntry]) -> None:
    """What another service decided goes into the one journal."""
    await insert_entry_of_other_service(work, envelope.data)


async def append_pending_entries(runtime: Runtime) -> bool:
    return await runtime.transact(append_leaves) == APPEND_BATCH_SIZE
