"""Sources of the HRIS with their secrets, and what became of their messages."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.database import UnitOfWork
from shared.paging import Paging

SELECT_SECRETS = """
    SELECT secret, ARRAY(SELECT p.secret FROM jsonb_to_recordset(previous) AS p (secret text, until timestamptz)
                         WHERE p.until > :now) AS previous
    FROM hris_sources WHERE id = :id
"""

SOURCE_FIELDS = """
    id, kind, created_at, body_hash,
    (SELECT max(p.until) FROM jsonb_to_recordset(previous) AS p (until timestamptz)) AS previous_until
"""


async def list_secrets(work: UnitOfWork, source_id: str) -> list[str]:
    """The secrets that sign for this source now; none if there is no such source."""
    row = await work.fetch_row(SELECT_SECRETS, id=source_id, now=work.now)
    return [row["secret"], *row["previous"]] if row else []


INSERT_MESSAGE = """
    INSERT INTO hris_messages (id, source_id, webhook_id, received_at, said_at, type, employee_id, outcome, reason, body)
    VALUES (:id, :source_id, :webhook_id, :now, :said_at, :type, CAST(:employee_id AS text), :outcome, :reason,
            CASE WHEN NOT EXISTS (SELECT 1 FROM employees WHERE id = CAST(:employee_id AS text) AND erased_at IS NOT NULL)
                 THEN CAST(:body AS bytea) END)
    ON CONFLICT (source_id, webhook_id) DO NOTHING RETURNING 1
"""


async def insert_message(
    work: UnitOfWork,
    *,
    id: str,
    source_id: str,
    webhook_id: str,
    said_at: datetime | None,
    type: str | None,
    employee_id: str | None,
    outcome: str,
    reason: str | None,
    body: bytes,
) -> bool:
    """Keeps a message; False if one with this webhook id was received before."""
    kept = await work.fetch_value(
        INSERT_MESSAGE,
        id=id,
        source_id=source_id,
        webhook_id=webhook_id,
        now=work.now,
        said_at=said_at,
        type=type,
        employee_id=employee_id,
        outcome=outcome,
        reason=reason,
        body=body,
    )
    return kept is not None


async def update_message_outcome(
    work: UnitOfWork, message_id: str, outcome: str, reason: str | None = None, awaits: str | None = None
) -> None:
    """What became of a message. Its body is kept only where somebody may still need it."""
    await work.execute(
        """
        UPDATE hris_messages SET outcome = CAST(:outcome AS text), reason = CAST(:reason AS text), awaits = :awaits,
               body = CASE WHEN :outcome IN ('applied', 'held') OR :reason = 'erased' THEN NULL ELSE body END
        WHERE id = :id
        """,
        id=message_id,
        outcome=outcome,
        reason=reason,
        awaits=awaits,
    )


LOCK_APPLICABLE_MESSAGES = """
    SELECT m.id, m.source_id, m.body, m.received_at FROM hris_messages m
    WHERE m.outcome = 'pending' AND (CAST(:awaited AS text[]) IS NULL OR m.awaits = ANY(:awaited)) AND (
        EXISTS (SELECT 1 FROM employees e WHERE m.awaits = 'employee/' || e.id)
        OR EXISTS (SELECT 1 FROM departments d WHERE m.awaits = 'department/' || d.id))
    ORDER BY m.said_at, m.id LIMIT 100 FOR UPDATE OF m SKIP LOCKED
"""


async def lock_applicable_messages(
    work: UnitOfWork, awaited: Sequence[str] | None = None
) -> Sequence[Mapping[str, Any]]:
    """Kept messages whose employee or department exists now, oldest news first."""
    return await work.fetch_rows(LOCK_APPLICABLE_MESSAGES, awaited=list(awaited) if awaited is not None else None)


async def list_messages(
    work: UnitOfWork, paging: Paging, outcome: str | None, source_id: str | None, employee_id: str | None
) -> Sequence[Mapping[str, Any]]:
    return await work.fetch_rows(
        """
        SELECT id, source_id, webhook_id, received_at, said_at, type, employee_id, outcome, reason, awaits, seen_by, seen_at
        FROM hris_messages
        WHERE id > :after AND (CAST(:outcome AS text) IS NULL OR outcome = :outcome)
          AND (CAST(:source_id AS text) IS NULL OR source_id = :source_id)
          AND (CAST(:employee_id AS text) IS NULL OR employee_id = :employee_id)
        ORDER BY id LIMIT :fetch
        """,
        after=paging.after[0] if paging.after else "",
        outcome=outcome,
        source_id=source_id,
        employee_id=employee_id,
        fetch=paging.fetch,
    )


COUNT_ALARMS = """
    SELECT (SELECT count(*) FROM holds WHERE state = 'held') AS departure_held,
           count(*) FILTER (WHERE outcome = 'old') AS departure_old,
           count(*) FILTER (WHERE outcome = 'refused') AS departure_refused,
           count(*) FILTER (WHERE outcome = 'pending') AS departure_pending
    FROM hris_messages WHERE outcome IN ('old', 'refused', 'pending') AND seen_at IS NULL
         AND type IN ('employee.resigned', 'employee.left')
"""


async def list_sources(work: UnitOfWork, paging: Paging) -> Sequence[Mapping[str, Any]]:
    return await work.fetch_rows(
        f"SELECT {SOURCE_FIELDS} FROM hris_sources WHERE id > :after ORDER BY id LIMIT :fetch",
        after=paging.after[0] if paging.after else "",
        fetch=paging.fetch,
    )


async def get_source(work: UnitOfWork, source_id: str, lock: bool = False) -> Mapping[str, Any] | None:
    return await work.fetch_row(
        f"SELECT {SOURCE_FIELDS} FROM hris_sources WHERE id = :id" + (" FOR UPDATE" if lock else ""), id=source_id
    )
