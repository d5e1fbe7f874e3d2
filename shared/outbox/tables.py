"""The tables of the chassis, the same in every service's database, and the one statement that writes the outbox."""

import uuid

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from shared.database import UnitOfWork
from shared.messages import Command, get_commands_topic, get_events_topic

NOW = func.now()


def add_chassis_tables(metadata: MetaData) -> None:
    """Adds the chassis's tables to a service's metadata."""
    Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("event_id", UUID(as_uuid=True), nullable=False),
        Column("topic", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("type", Text, nullable=False),
        Column("time", DateTime(timezone=True), nullable=False),
        Column("cause", Text),
        Column("traceparent", Text),
        Column("body", Text, nullable=False),
        Column("published_at", DateTime(timezone=True)),
        Index("outbox_unpublished", "id", postgresql_where=text("published_at IS NULL")),
        Index("outbox_published_at", "published_at", postgresql_where=text("published_at IS NOT NULL")),
    )
    Table(
        "sequences",
        metadata,
        Column("topic", Text),
        Column("subject", Text),
        Column("value", BigInteger, nullable=False),
        PrimaryKeyConstraint("topic", "subject"),
    )
    Table(
        "leases",
        metadata,
        Column("name", String(64), primary_key=True),
        Column("holder", UUID(as_uuid=True), nullable=False),
        Column("term", BigInteger, nullable=False),
        Column("until", DateTime(timezone=True), nullable=False),
    )
    Table(
        "inbox",
        metadata,
        Column("event_id", UUID(as_uuid=True), primary_key=True),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=NOW),
        Index("inbox_received_at", "received_at"),
    )
    Table(
        "deliveries",
        metadata,
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Index("deliveries_topic", "topic", "id"),
    )
    Table(
        "waiting_keys",
        metadata,
        Column("id", UUID(as_uuid=True), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("next_try_at", DateTime(timezone=True), nullable=False),
        Column("parked_at", DateTime(timezone=True)),
        Column("type", Text),
        Column("error", Text, nullable=False),
        Index("waiting_keys_topic_key", "topic", "key", unique=True),
    )
    Table(
        "waiting_messages",
        metadata,
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("key_id", UUID(as_uuid=True), nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Index("waiting_messages_key_id", "key_id", "id"),
    )
    Table(
        "epochs",
        metadata,
        Column("case_id", Text, primary_key=True),
        Column("epoch", Integer, nullable=False),
    )
    Table(
        "idempotency_keys",
        metadata,
        Column("principal", Text),
        Column("key", Text),
        Column("part", Integer),
        Column("request_hash", LargeBinary, nullable=False),
        Column("result", JSONB),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
        PrimaryKeyConstraint("principal", "key", "part"),
    )


INSERT_OUTBOX = """
    WITH new AS (
        SELECT *, row_number() OVER (PARTITION BY topic, subject ORDER BY nth) AS place,
               count(*) OVER (PARTITION BY topic, subject) AS places
        FROM unnest(CAST(:event_ids AS uuid[]), CAST(:topics AS text[]), CAST(:subjects AS text[]),
                    CAST(:types AS text[]), CAST(:bodies AS text[]), CAST(:causes AS text[]),
                    CAST(:traceparents AS text[]))
             WITH ORDINALITY AS n(event_id, topic, subject, type, body, cause, traceparent, nth)
    ), counted AS (
        INSERT INTO sequences AS s (topic, subject, value)
        SELECT topic, subject, count(*) FROM new GROUP BY topic, subject ORDER BY topic, subject
        ON CONFLICT (topic, subject) DO UPDATE SET value = s.value + excluded.value
        RETURNING topic, subject, value
    )
    INSERT INTO outbox (event_id, topic, subject, sequence, type, time, cause, traceparent, body)
    SELECT event_id, topic, subject, value - places + place, type, :now, cause, traceparent, body
    FROM new JOIN counted USING (topic, subject) ORDER BY nth
"""


async def insert_outbox(work: UnitOfWork) -> None:
    """Writes what the unit of work sends, in its order; the row of `sequences` keeps others of the subject behind it."""
    if not work.outgoing:
        return
    messages = [outgoing.message for outgoing in work.outgoing]
    topics = [
        get_commands_topic(message.receiver) if isinstance(message, Command) else get_events_topic(work.service)
        for message in messages
    ]
    await work.execute(
        INSERT_OUTBOX,
        event_ids=[uuid.uuid4() for _ in messages],
        topics=topics,
        subjects=[message.subject for message in messages],
        types=[message.type for message in messages],
        bodies=[message.model_dump_json() for message in messages],
        causes=[outgoing.cause for outgoing in work.outgoing],
        traceparents=[outgoing.traceparent for outgoing in work.outgoing],
    )
