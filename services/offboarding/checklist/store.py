"""The versions of the company's checklist."""

import json
from collections.abc import Sequence

from pydantic import TypeAdapter

from services.offboarding.checklist import rules
from shared.database import UnitOfWork

CHECKLIST_ADAPTER = TypeAdapter(tuple[rules.ChecklistEntry, ...])


def dump_checklist(entries: Sequence[rules.ChecklistEntry]) -> str:
    return json.dumps([vars(entry) for entry in entries])


async def lock_checklist(work: UnitOfWork) -> None:
    """Until the end of the transaction nobody else sets a version."""
    await work.execute("LOCK TABLE checklist IN EXCLUSIVE MODE")


async def get_checklist(work: UnitOfWork) -> rules.Checklist:
    """The newest version, with the standard tasks."""
    newest = await work.fetch_row("SELECT version, entries FROM checklist ORDER BY version DESC LIMIT 1")
    if newest is None:
        return rules.Checklist(0, rules.STANDARD_CHECKLIST)
    return rules.Checklist(
        newest["version"], rules.add_standard_tasks(CHECKLIST_ADAPTER.validate_python(newest["entries"]))
    )


async def insert_checklist(work: UnitOfWork, version: int, entries: Sequence[rules.ChecklistEntry]) -> None:
    """The checklist for cases that begin from now on; those under way keep theirs."""
    await work.execute(
        "INSERT INTO checklist (version, entries, by_id, at) VALUES (:version, CAST(:entries AS jsonb), :by, :now)",
        version=version,
        entries=dump_checklist(entries),
        by=work.actor,
    )
