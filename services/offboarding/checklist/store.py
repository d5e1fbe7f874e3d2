"""The versions of the company's checklist."""

import json
from collections.abc import Sequence

from services.offboarding.checklist import rules
from shared.database import UnitOfWork


async def get_checklist(work: UnitOfWork) -> tuple[int, tuple[rules.ChecklistEntry, ...]]:
    row = await work.fetch_row("SELECT version, entries FROM checklist ORDER BY version DESC LIMIT 1")
    return (
        (row["version"], rules.complete_checklist(rules.checklist_from_json(row["entries"])))
        if row
        else (0, rules.complete_checklist(()))
    )


async def insert_checklist(work: UnitOfWork, version: int, entries: Sequence[rules.ChecklistEntry]) -> None:
    """The checklist for cases that begin from now on; those under way keep theirs."""
    await work.execute(
        "INSERT INTO checklist (version, entries, by_id, at) VALUES (:version, CAST(:entries AS jsonb), :by, :now)",
        version=version,
        entries=json.dumps(rules.checklist_to_json(entries)),
        by=work.actor,
        now=work.now,
    )
