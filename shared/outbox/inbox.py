"""The inbox: every message takes effect exactly once, in one transaction with the note that it was received.

Errors of the database pause the consumer and are tried for ever. Only decoding and code errors count: after the
first the key waits in a table while the partition goes on; `shared.outbox.waiting` tries it again and parks it.
"""

from collections.abc import Sequence
from typing import Any

import structlog

from shared.contracts.clients import CommandAnswered, Result
from shared.database import UnitOfWork, is_transient
from shared.errors import HoldfastError, JournaledRefusal
from shared.messages import Command, Envelope, Record, decode_record, get_record_type
from shared.outbox.waiting import describe_error, insert_waiting_message, queue_failed_record
from shared.service import Runtime

log = structlog.get_logger()

INSERT_RECEIVED = """
    WITH arrived AS (
        SELECT * FROM unnest(CAST(:event_ids AS uuid[]), CAST(:topics AS text[]), CAST(:keys AS text[]))
             WITH ORDINALITY AS a(event_id, topic, key, nth)
    ), queued AS (
        SELECT id, topic, key FROM waiting_keys
        WHERE (topic, key) IN (SELECT topic, key FROM arrived) ORDER BY id FOR UPDATE
    ), noted AS (
        INSERT INTO inbox (event_id)
        SELECT DISTINCT event_id FROM arrived
        WHERE NOT EXISTS (SELECT 1 FROM queued WHERE (queued.topic, queued.key) = (arrived.topic, arrived.key))
        ORDER BY event_id ON CONFLICT DO NOTHING RETURNING event_id
    ), taken AS (
        DELETE FROM deliveries WHERE id = ANY(CAST(:deliveries AS bigint[]))
    )
    SELECT queued.id AS key_id,
           noted.event_id IS NOT NULL AND row_number() OVER (PARTITION BY arrived.event_id ORDER BY nth) = 1 AS is_new
    FROM arrived LEFT JOIN queued USING (topic, key) LEFT JOIN noted USING (event_id) ORDER BY nth
"""

RAISE_EPOCH = """
    INSERT INTO epochs AS e (case_id, epoch) VALUES (:case_id, :epoch)
    ON CONFLICT (case_id) DO UPDATE SET epoch = greatest(e.epoch, excluded.epoch) RETURNING epoch
"""


async def receive_records(runtime: Runtime, records: Sequence[Record]) -> None:
    """Lets the records take effect, in their order. Raises only what is transient: then hand them in again."""
    heard = [get_record_type(record) in (None, *runtime.handlers) for record in records]
    await _delete_deliveries(runtime, [record for record, is_heard in zip(records, heard, strict=True) if not is_heard])
    known = [record for record, is_heard in zip(records, heard, strict=True) if is_heard]
    if len(known) > 1:
        try:
            async with runtime.unit_of_work() as work:
                await _receive_together(runtime, work, known)
            return
        except Exception:
            log.info("batch.taken_apart", service=runtime.name, records=len(known))
    for record in known:
        await _receive_alone(runtime, record)


async def _delete_deliveries(runtime: Runtime, records: Sequence[Record]) -> None:
    """Removes deliveries of types that this service does not hear."""
    deliveries = [record.delivery for record in records if record.delivery is not None]
    if deliveries:
        async with runtime.database.connect() as connection:
            await connection.execute("DELETE FROM deliveries WHERE id = ANY($1)", deliveries)


async def _receive_alone(runtime: Runtime, record: Record) -> None:
    try:
        async with runtime.unit_of_work() as work:
            await _receive_together(runtime, work, [record])
    except Exception as error:
        if is_transient(error):
            raise
        log.error(
            "message.failed",
            topic=record.topic,
            key=record.key,
            type=get_record_type(record),
            error=describe_error(error),
        )
        async with runtime.unit_of_work() as work:
            await queue_failed_record(work, record, error)


async def _receive_together(runtime: Runtime, work: UnitOfWork, records: Sequence[Record]) -> None:
    envelopes = [decode_record(record, runtime.types) for record in records]
    received = await work.fetch_rows(
        INSERT_RECEIVED,
        event_ids=[envelope.id for envelope in envelopes],
        topics=[record.topic for record in records],
        keys=[record.key for record in records],
        deliveries=[record.delivery for record in records if record.delivery is not None],
    )
    for record, envelope, row in zip(records, envelopes, received, strict=True):
        if row["key_id"] is not None:
            await insert_waiting_message(work, row["key_id"], record)
        elif row["is_new"]:
            await apply_message(runtime, work, envelope)
        runtime.metrics.received.labels(runtime.name, envelope.data.type).inc()


async def apply_message(runtime: Runtime, work: UnitOfWork, envelope: Envelope[Any]) -> None:
    """Runs the handler of the message. A command is answered exactly once, a refusal by a rule being an answer."""
    work.cause, work.traceparent = str(envelope.id), envelope.traceparent
    handler = runtime.handlers[envelope.data.type]
    command = envelope.data
    if not isinstance(command, Command):
        await handler(work, envelope)
        return
    newest = await work.fetch_value(RAISE_EPOCH, case_id=command.case_id, epoch=command.epoch)
    outcome: str = "done"
    reason: str | None = None
    results: Sequence[Result] = ()
    if newest > command.epoch:
        outcome = "stale"
    else:
        before = len(work.outgoing)
        try:
            async with work.connection.transaction():
                try:
                    results = await handler(work, envelope) or ()
                except JournaledRefusal as journaled:
                    outcome, reason = "refused", journaled.refusal.code
        except HoldfastError as refusal:
            outcome, reason = "refused", refusal.code
            del work.outgoing[before:]  # what did not happen is not told
    work.publish(
        CommandAnswered(
            command_id=command.command_id,
            case_id=command.case_id,
            employee_id=command.employee_id,
            outcome=outcome,
            reason=reason,
            results=list(results),
        )
    )
