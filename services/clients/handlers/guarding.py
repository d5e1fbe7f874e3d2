"""When the disk is nearly full, decisions are refused, since they could not be journaled; freezes go on."""

import asyncio
import shutil

import structlog

from shared.database import UnitOfWork
from shared.errors import Unavailable
from shared.service import Runtime

log = structlog.get_logger()


class NoRoomForTheJournal(Unavailable, code="no_room_for_the_journal"):
    """The disk is nearly full, and no decision is made that cannot be journaled. Make room; freezes are in force."""


async def look_at_the_disk(runtime: Runtime) -> bool:
    settings = runtime.settings
    folder = next(
        place for place in (settings.data_dir.absolute(), *settings.data_dir.absolute().parents) if place.exists()
    )
    free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
    full = free < settings.disk_reserve or (
        settings.database_limit is not None and await runtime.transact(_size) > settings.database_limit
    )
    if full != runtime.state.get("full", False):
        log.error("journal.no_room" if full else "journal.room_again")
    runtime.state["full"] = full
    runtime.metrics.alarm.labels(runtime.name, "disk").set(full)
    return False


async def _size(work: UnitOfWork) -> int:
    return int(await work.fetch_value("SELECT pg_database_size(current_database())"))


def must_have_room(runtime: Runtime) -> None:
    """Raises `NoRoomForTheJournal`."""
    if runtime.state.get("full"):
        raise NoRoomForTheJournal
