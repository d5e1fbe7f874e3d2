"""Tries the messages of waiting keys again, and parks a key at its fifth failure."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog

from shared.database import is_transient
from shared.messages import Record, decode_record, load_headers
from shared.outbox.inbox import apply_message
from shared.outbox.waiting import describe_error, insert_received
from shared.service import Runtime

log = structlog.get_logger()

MAX_ATTEMPTS = 5


async def retry_waiting_key(runtime: Runtime) -> bool:
    """Tries one key whose time has come, message by message. True if there was one."""
    key: Mapping[str, Any] | None = None
    try:
        async with runtime.unit_of_work() as work:
            key = await work.fetch_row(
                """
                SELECT * FROM waiting_keys WHERE parked_at IS NULL AND next_try_at <= :now
                ORDER BY next_try_at LIMIT 1 FOR UPDATE SKIP LOCKED
                """,
            )
            if key is None:
                return False
            message = await work.fetch_row(
                "SELECT * FROM waiting_messages WHERE key_id = :id ORDER BY id LIMIT 1", id=key["id"]
            )
            if message is None:
                await work.execute("DELETE FROM waiting_keys WHERE id = :id", id=key["id"])
                return True
            record = Record(key["topic"], key["key"], load_headers(message["headers"]), message["body"])
            envelope = decode_record(record, runtime.types)
            if await insert_received(work, envelope.id):
                await apply_message(runtime, work, envelope)
            await work.execute("DELETE FROM waiting_messages WHERE id = :id", id=message["id"])
            await work.execute("UPDATE waiting_keys SET attempts = 0, next_try_at = :now WHERE id = :id", id=key["id"])
        return True
    except Exception as error:
        if key is None or is_transient(error):
            raise
        await _count_failure(runtime, key, error)
        return True


async def _count_failure(runtime: Runtime, key: Mapping[str, Any], error: BaseException) -> None:
    attempts = key["attempts"] + 1
    async with runtime.unit_of_work() as work:
        await work.execute(
            """
            UPDATE waiting_keys SET attempts = CAST(:attempts AS int), error = :error, next_try_at = :next,
                   parked_at = CASE WHEN CAST(:attempts AS int) >= CAST(:tries AS int) THEN CAST(:now AS timestamptz) END
            WHERE id = :id
            """,
            id=key["id"],
            attempts=attempts,
            tries=MAX_ATTEMPTS,
            error=describe_error(error),
            next=work.now + timedelta(seconds=2**attempts),
        )
    if attempts >= MAX_ATTEMPTS:
        log.critical("key.parked", topic=key["topic"], key=key["key"], type=key["type"], error=describe_error(error))
