"""What others decided is entered, what waits is appended to the tree; without room nothing is decided."""

import asyncio
import shutil

import structlog

from services.clients.journal.store import APPEND_BATCH_SIZE, append_leaves, get_database_size, insert_journal_entry
from shared.contracts.clients import JournalEntry
from shared.database import UnitOfWork
from shared.errors import Unavailable
from shared.messages import Envelope
from shared.service import Runtime

log = structlog.get_logger()
IDS_OF_OTHER_THINGS = frozenset(
    {"case_id", "order_id", "task_id", "visit_id", "policy_id", "source_id", "hold_id", "parked_id", "flow_id"}
    | {"department_id", "document_id", "introduction_id", "incident_id", "employment_id", "absence_id", "token_id"}
    | {"command_id", "batch_id", "pass_id", "sync_id", "plan_id", "item_id", "message_id", "webhook_id", "client_id"}
)


class NoRoomForTheJournal(Unavailable, code="no_room_for_the_journal"):
    """The disk is nearly full, and no decision is made that cannot be journaled. Make room; freezes are in force."""


async def update_journal_space_flag(runtime: Runtime) -> bool:
    """By the clock: notes whether there is room for the journal, which `require_journal_space` asks, and keeps the alarm."""
    settings = runtime.settings
    data_dir = settings.data_dir.absolute()
    folder = next(place for place in (data_dir, *data_dir.parents) if place.exists())
    free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
    full = free < settings.disk_reserve or (
        settings.database_limit is not None and await runtime.transact(get_database_size) > settings.database_limit
    )
    if full != runtime.state.get("full", False):
        log.error("journal.no_room" if full else "journal.room_again")
    runtime.state["full"] = full
    runtime.metrics.alarm.labels(runtime.name, "disk").set(full)
    return False


def require_journal_space(runtime: Runtime) -> None:
    """Raises `NoRoomForTheJournal`."""
    if runtime.state.get("full"):
        raise NoRoomForTheJournal


async def on_journal_entry(work: UnitOfWork, envelope: Envelope[JournalEntry]) -> None:
    """What another service decided goes into the one journal."""
    entry = envelope.data
    # Whatever is not known to be something else counts as a person: a surrogate too many does no harm.
    people = {
        name: str(value)
        for name, value in entry.details.items()
        if name.endswith("_id") and name not in IDS_OF_OTHER_THINGS
    }
    await insert_journal_entry(
        work,
        entry.kind,
        actor_id=entry.actor_id,
        employee_id=entry.employee_id,
        client_id=entry.client_id,
        details={name: value for name, value in entry.details.items() if name not in people},
        people=people,
    )


async def append_pending_entries(runtime: Runtime) -> bool:
    """Appends a batch of what waits to the tree; whether more may wait."""
    return await runtime.transact(append_leaves) == APPEND_BATCH_SIZE
