"""Emptying what says who somebody is, and the acts of it. Rows, ids, dates and figures stay."""

import json
from collections.abc import Mapping
from typing import Any

from shared.database import UnitOfWork

NOBODY = "(erased)"  # where something must stand

OF_EMPLOYEE = """
    WITH met AS (
        UPDATE interactions SET summary = NULL
        WHERE :id IN (employee_id, by_id) AND summary IS NOT NULL RETURNING 1
    ), said AS (
        UPDATE feedback SET note = NULL WHERE by_id = :id AND note IS NOT NULL RETURNING 1
    ), moved AS (
        UPDATE history SET reason = NULL WHERE :id IN (by_id, from_id, to_id) AND reason IS NOT NULL RETURNING 1
    ), lifted AS (
        UPDATE liftings SET reason = :nobody WHERE :id IN (employee_id, by_id) AND reason <> :nobody RETURNING 1
    ), used AS (
        DELETE FROM usage WHERE employee_id = :id RETURNING 1
    )
    SELECT (SELECT count(*) FROM met) AS summaries, (SELECT count(*) FROM said) AS feedback_notes,
           (SELECT count(*) FROM moved) + (SELECT count(*) FROM lifted) AS reasons,
           (SELECT count(*) FROM used) AS usage
"""


async def erase_employee(work: UnitOfWork, employee_id: str) -> dict[str, int]:
    """How many of each kind. Who it is about was locked before."""
    return dict(await work.row(OF_EMPLOYEE, id=employee_id, nobody=NOBODY) or {})


async def note(
    work: UnitOfWork,
    kind: str,
    id: str,
    what: Mapping[str, int],
    *,
    part: str = "",
    reason: str | None = None,
    held: bool = False,
) -> None:
    """The act; the first one counts."""
    await work.execute(
        """
        INSERT INTO erasures (kind, id, part, at, by_id, reason, what, held)
        VALUES (:kind, :id, :part, :now, :by, :reason, CAST(:what AS jsonb), :held)
        ON CONFLICT (kind, id, part) DO UPDATE SET held = excluded.held
        """,
        kind=kind,
        id=id,
        part=part,
        now=work.now,
        by=work.actor,
        reason=reason,
        what=json.dumps(what),
        held=held,
    )


async def act(work: UnitOfWork, kind: str, id: str, part: str = "") -> Mapping[str, Any] | None:
    return await work.row(
        "SELECT id, part, at, by_id, reason, what FROM erasures WHERE kind = :kind AND id = :id AND part = :part",
        kind=kind,
        id=id,
        part=part,
    )


# -- under whom the journal names them ---------------------------------------------------------------------------------


async def forget_surrogates(work: UnitOfWork) -> int:
    """Deletes the surrogates of all who were erased: also those that an entry on its way has made anew. How many.

    Nothing in the journal changes: its entries keep a surrogate that leads to nobody.
    """
    return await work.execute(
        """
        DELETE FROM surrogates s USING erasures e
        WHERE e.kind = s.kind AND e.id = s.id AND e.part = '' AND NOT e.held
        """
    )
