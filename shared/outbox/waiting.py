"""Keys whose message failed: later messages of the key queue behind it, the fifth failure parks it for a person."""

import json
import traceback
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from shared.contracts.clients import CommandAnswered
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused
from shared.journal import publish_journal_entry
from shared.messages import Record, Undecodable, dump_headers, get_commands_topic, get_record_type
from shared.paging import Paging
from shared.service import Runtime

log = structlog.get_logger()

PARKED_LIMIT = 100  # more than this and the consumer stops: a freeze must never fail silently

ALARMING_TYPES = ("employee.resigned", "employee.left", "departure.held", "freeze_access", "freeze_stages")


@dataclass(frozen=True)
class WaitingKey:
    """A key whose message failed; `parked_at` once it waits for a person."""

    id: uuid.UUID
    topic: str
    key: str
    type: str | None
    attempts: int
    error: str
    messages: int
    parked_at: datetime | None = None


class NotParked(Refused, code="not_parked"):
    """This key is not parked: it is still being tried, or has been dealt with."""


def describe_error(error: BaseException) -> str:
    """Where and what kind, never the message: it may repeat personal data."""
    if isinstance(error, Undecodable):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


async def queue_failed_record(work: UnitOfWork, record: Record, error: BaseException) -> None:
    """The record's key waits from now on, this record first."""
    key_id = await work.fetch_value(
        """
        INSERT INTO waiting_keys (id, topic, key, attempts, next_try_at, type, error)
        VALUES (:id, :topic, :key, 1, :next, :type, :error)
        ON CONFLICT (topic, key) DO UPDATE SET error = waiting_keys.error RETURNING id
        """,
        id=uuid.uuid4(),
        topic=record.topic,
        key=record.key,
        next=work.now + timedelta(seconds=1),
        type=get_record_type(record),
        error=describe_error(error),
    )
    await insert_waiting_message(work, key_id, record)
    if record.delivery is not None:
        await work.execute("DELETE FROM deliveries WHERE id = :id", id=record.delivery)


async def insert_waiting_message(work: UnitOfWork, key_id: uuid.UUID, record: Record) -> None:
    await work.execute(
        "INSERT INTO waiting_messages (key_id, headers, body) VALUES (:key_id, CAST(:headers AS jsonb), :body)",
        key_id=key_id,
        headers=dump_headers(record),
        body=record.body,
    )


async def list_waiting_keys(work: UnitOfWork, paging: Paging) -> Sequence[WaitingKey]:
    """The keys that wait or are parked, by id, with how many messages queue behind."""
    return await work.fetch_all(
        WaitingKey,
        """
        SELECT id, topic, key, type, attempts, error, parked_at,
               (SELECT count(*) FROM waiting_messages WHERE key_id = waiting_keys.id) AS messages
        FROM waiting_keys WHERE CAST(id AS text) > :after ORDER BY CAST(id AS text) LIMIT :fetch
        """,
        **paging.bounds,
    )


async def schedule_replay_of_key(work: UnitOfWork, key_id: uuid.UUID) -> None:
    """Tries a parked key again from its first message. Raises `NotParked`, `NotFound`."""
    await _lock_parked_key(work, key_id)
    await _unpark_key(work, key_id)
    publish_journal_entry(work, "parked.replayed", parked_id=str(key_id), service=work.service)


async def skip_first_message(work: UnitOfWork, key_id: uuid.UUID) -> None:
    """Drops the first message of a parked key and goes on with the next. Raises `NotParked`, `NotFound`.

    It stays dropped when the bus hands it in once more, and a command is answered: a case waits for every answer.
    """
    topic = await _lock_parked_key(work, key_id)
    message = await work.fetch_row(
        """
        DELETE FROM waiting_messages WHERE id = (SELECT min(id) FROM waiting_messages WHERE key_id = :id)
        RETURNING headers, body
        """,
        id=key_id,
    )
    event_id = _read_event_id(message["headers"]) if message is not None else None
    is_new = event_id is None or await insert_received(work, event_id)
    if message is not None and is_new and topic == get_commands_topic(work.service):
        with suppress(ValueError, TypeError):  # one that is no command in the first place has nobody to tell
            command = dict(json.loads(message["body"]), outcome="refused", reason="skipped", results=[])
            work.publish(CommandAnswered.model_validate(command))
    await _unpark_key(work, key_id)
    publish_journal_entry(work, "parked.skipped", parked_id=str(key_id), service=work.service)


async def insert_received(work: UnitOfWork, event_id: uuid.UUID) -> bool:
    """False if the message took effect already, as one that the bus handed in twice."""
    return bool(
        await work.fetch_value(
            "INSERT INTO inbox (event_id) VALUES (:event_id) ON CONFLICT DO NOTHING RETURNING 1", event_id=event_id
        )
    )


def _read_event_id(headers: Mapping[str, str]) -> uuid.UUID | None:
    try:
        return uuid.UUID(headers.get("ce_id", ""))
    except ValueError:
        return None


async def _unpark_key(work: UnitOfWork, key_id: uuid.UUID) -> None:
    """It is tried again at once, and its attempts are counted from zero."""
    await work.execute(
        "UPDATE waiting_keys SET parked_at = NULL, attempts = 0, next_try_at = :now WHERE id = :id", id=key_id
    )


async def _lock_parked_key(work: UnitOfWork, key_id: uuid.UUID) -> str:
    """Its topic."""
    key = await work.fetch_row("SELECT topic, parked_at FROM waiting_keys WHERE id = :id FOR UPDATE", id=key_id)
    if key is None:
        raise NotFound
    if key["parked_at"] is None:
        raise NotParked
    return str(key["topic"])


async def measure_waiting_keys(runtime: Runtime) -> bool:
    """Sets the metrics of waiting and parked keys, the alarm among them, and whether too many are parked to go on."""
    async with runtime.database.connect() as connection:
        row = await connection.fetchrow(
            """
            SELECT count(*) AS waiting, count(parked_at) AS parked,
                   count(*) FILTER (WHERE parked_at IS NOT NULL AND EXISTS (
                       SELECT 1 FROM waiting_messages
                       WHERE key_id = waiting_keys.id AND headers ->> 'ce_type' = ANY($1)
                   )) AS alarming
            FROM waiting_keys
            """,
            list(ALARMING_TYPES),
        )
    name = runtime.name
    runtime.metrics.waiting.labels(name).set(row["waiting"])
    runtime.metrics.parked.labels(name).set(row["parked"])
    runtime.metrics.alarm.labels(name, "parked_departure").set(row["alarming"])
    runtime.has_too_many_parked = row["parked"] > PARKED_LIMIT
    return False
