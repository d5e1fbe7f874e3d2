"""Sources of the HRIS with their secrets, and what became of their messages."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime

from asyncpg import Connection

from services.staff.hris import messages, rules
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.paging import Paging

SOURCE_COLUMNS = """
    id, kind, created_at,
    (SELECT max(p.until) FROM jsonb_to_recordset(previous) AS p (until timestamptz)) AS previous_until
"""
MESSAGE_COLUMNS = ", ".join(field.name for field in fields(rules.ReceivedMessage))


# -- sources -----------------------------------------------------------------------------------------------------------


async def insert_source(work: UnitOfWork, source_id: str, kind: str, secret: str, body_hash: bytes) -> bool:
    """False if the id is taken."""
    return bool(
        await work.execute(
            """
            INSERT INTO hris_sources (id, kind, secret, created_at, body_hash)
            VALUES (:id, :kind, :secret, :now, :body_hash) ON CONFLICT (id) DO NOTHING
            """,
            id=source_id,
            kind=kind,
            secret=secret,
            body_hash=body_hash,
        )
    )


async def update_secret(work: UnitOfWork, source_id: str, secret: str, previous_until: datetime) -> None:
    """The one before signs until then too."""
    await work.execute(
        """
        UPDATE hris_sources SET secret = :secret,
               previous = jsonb_build_object('secret', secret, 'until', CAST(:previous_until AS timestamptz)) || (
                   SELECT coalesce(jsonb_agg(p), '[]') FROM jsonb_array_elements(previous) AS p
                   WHERE CAST(p ->> 'until' AS timestamptz) > :now)
        WHERE id = :id
        """,
        id=source_id,
        secret=secret,
        previous_until=previous_until,
    )


async def list_sources(work: UnitOfWork, paging: Paging) -> list[rules.HrisSource]:
    return await work.fetch_all(
        rules.HrisSource,
        f"SELECT {SOURCE_COLUMNS} FROM hris_sources WHERE id > :after ORDER BY id LIMIT :fetch",
        **paging.bounds,
    )


async def get_source(work: UnitOfWork, source_id: str) -> rules.HrisSource:
    """Without its secret. Raises `NotFound`."""
    sql = f"SELECT {SOURCE_COLUMNS} FROM hris_sources WHERE id = :id"
    source = await work.fetch_one(rules.HrisSource, sql, id=source_id)
    if source is None:
        raise NotFound
    return source


async def get_source_body_hash(work: UnitOfWork, source_id: str) -> bytes | None:
    body_hash: bytes | None = await work.fetch_value("SELECT body_hash FROM hris_sources WHERE id = :id", id=source_id)
    return body_hash


async def get_valid_secrets(work: UnitOfWork, source_id: str) -> rules.SourceSecrets:
    row = await work.fetch_row(
        """
        SELECT kind, secret, ARRAY(SELECT p.secret FROM jsonb_to_recordset(previous) AS p (secret text, until timestamptz)
                             WHERE p.until > :now) AS previous
        FROM hris_sources WHERE id = :id
        """,
        id=source_id,
    )
    return rules.SourceSecrets(row["kind"], [row["secret"], *row["previous"]]) if row else rules.SourceSecrets()


# -- messages ----------------------------------------------------------------------------------------------------------


async def insert_message(
    work: UnitOfWork,
    message_id: str,
    source_id: str,
    webhook_id: str,
    message: messages.HrisMessage | messages.UnusableMessage,
    body: bytes,
) -> bool:
    """Keeps a message, without its body if it is about somebody who was erased. False if one with this webhook id was
    received before."""
    about = message.content if isinstance(message, messages.HrisMessage) else message
    return bool(
        await work.execute(
            """
            INSERT INTO hris_messages (id, source_id, webhook_id, received_at, said_at, type, employee_id, outcome, body)
            VALUES (:id, :source_id, :webhook_id, :now, :said_at, :type, CAST(:employee_id AS text), 'pending',
                    CASE WHEN NOT EXISTS (
                        SELECT 1 FROM employees WHERE id = CAST(:employee_id AS text) AND erased_at IS NOT NULL
                    ) THEN CAST(:body AS bytea) END)
            ON CONFLICT (source_id, webhook_id) DO NOTHING
            """,
            id=message_id,
            source_id=source_id,
            webhook_id=webhook_id,
            said_at=message.at if isinstance(message, messages.HrisMessage) else None,
            type=about.type,
            employee_id=about.employee_id,
            body=body,
        )
    )


async def update_message_outcome(
    work: UnitOfWork, message_id: str, outcome: rules.MessageOutcome, reason: str | None, awaits: str | None = None
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


async def update_message_seen(work: UnitOfWork, message_id: str) -> bool:
    """By the person acting, unless somebody has seen it before. False if there is no such message."""
    return bool(
        await work.execute(
            """
            UPDATE hris_messages SET seen_by = coalesce(seen_by, :actor), seen_at = coalesce(seen_at, :now)
            WHERE id = :id
            """,
            id=message_id,
        )
    )


async def lock_applicable_messages(
    work: UnitOfWork, awaited_refs: Sequence[str] | None = None
) -> list[rules.ApplicableMessage]:
    """Pending messages whose employee or department exists now, what was said first first; of all or of these awaited."""
    return await work.fetch_all(
        rules.ApplicableMessage,
        """
        SELECT m.id, m.source_id, s.kind, m.received_at, m.body
        FROM hris_messages m JOIN hris_sources s ON s.id = m.source_id
        WHERE m.outcome = 'pending' AND (CAST(:awaited AS text[]) IS NULL OR m.awaits = ANY(:awaited)) AND (
            EXISTS (SELECT 1 FROM employees e WHERE m.awaits = 'employee/' || e.id)
            OR EXISTS (SELECT 1 FROM departments d WHERE m.awaits = 'department/' || d.id))
        ORDER BY m.said_at, m.id LIMIT 100 FOR UPDATE OF m SKIP LOCKED
        """,
        awaited=awaited_refs,
    )


async def list_messages(
    work: UnitOfWork, paging: Paging, outcome: str | None, source_id: str | None, employee_id: str | None
) -> list[rules.ReceivedMessage]:
    return await work.fetch_all(
        rules.ReceivedMessage,
        f"""
        SELECT {MESSAGE_COLUMNS} FROM hris_messages
        WHERE id > :after AND (CAST(:outcome AS text) IS NULL OR outcome = :outcome)
          AND (CAST(:source_id AS text) IS NULL OR source_id = :source_id)
          AND (CAST(:employee_id AS text) IS NULL OR employee_id = :employee_id)
        ORDER BY id LIMIT :fetch
        """,
        **paging.bounds,
        outcome=outcome,
        source_id=source_id,
        employee_id=employee_id,
    )


async def count_departure_alarms_by_kind(connection: Connection) -> Mapping[str, int]:
    """By kind of alarm how many departures are held, or are in messages that took no effect and nobody has seen."""
    counted: Mapping[str, int] = await connection.fetchrow(
        """
        SELECT (SELECT count(*) FROM holds WHERE state = 'held') AS departure_held,
               count(*) FILTER (WHERE outcome = 'old') AS departure_old,
               count(*) FILTER (WHERE outcome = 'refused') AS departure_refused,
               count(*) FILTER (WHERE outcome = 'pending') AS departure_pending
        FROM hris_messages WHERE outcome IN ('old', 'refused', 'pending') AND seen_at IS NULL
             AND type IN ('employee.resigned', 'employee.left')
        """
    )
    return counted


async def erase_message_bodies(work: UnitOfWork, employee_id: str, email: str) -> int:
    """Of messages about this person, and of those about nobody known that name them. Returns how many there were."""
    return await work.execute(
        """
        UPDATE hris_messages SET body = NULL, outcome = CASE WHEN outcome = 'pending' THEN 'refused' ELSE outcome END,
               reason = CASE WHEN outcome = 'pending' THEN 'erased' ELSE reason END
        WHERE body IS NOT NULL AND (employee_id = :id OR employee_id IS NULL AND (
            position(convert_to('"' || :id || '"', 'UTF8') IN body) > 0
            OR position(convert_to(:email, 'UTF8') IN body) > 0))
        """,
        id=employee_id,
        email=email,
    )
