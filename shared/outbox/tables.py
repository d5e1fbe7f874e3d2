"""The tables of the chassis, the same in every service's database, and the one statement that writes the outbox."""

import uuid

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, UUID

from shared.database import UnitOfWork
from shared.messages import Command, get_commands_topic, get_events_topic

NOW = sa.func.now()


def add_chassis_tables(metadata: sa.MetaData) -> sa.MetaData:
    """Adds the chassis's tables to a service's metadata, and returns it."""
    sa.Table(
        "outbox",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("event_id", UUID(as_uuid=True), nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("traceparent", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.Index("outbox_unpublished", "id", postgresql_where=sa.text("published_at IS NULL")),
        sa.Index("outbox_published_at", "published_at", postgresql_where=sa.text("published_at IS NOT NULL")),
    )
    sa.Table(
        "sequences",
        metadata,
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    sa.Table(
        "leases",
        metadata,
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("holder", UUID(as_uuid=True), nullable=False),
        sa.Column("term", sa.BigInteger, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )
    sa.Table(
        "inbox",
        metadata,
        sa.Column("event_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.Index("inbox_received_at", "received_at"),
    )
    sa.Table(
        "deliveries",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Index("deliveries_topic", "topic", "id"),
    )
    sa.Table(
        "waiting_keys",
        metadata,
        sa.Column("id", UUID(as_uuid=True), primary_key=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True)),
        sa.Column("type", sa.Text),
        sa.Column("error", sa.Text, nullable=False),
        sa.Index("waiting_keys_topic_key", "topic", "key", unique=True),
    )
    sa.Table(
        "waiting_messages",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("key_id", UUID(as_uuid=True), nullable=False),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Index("waiting_messages_key_id", "key_id", "id"),
    )
    sa.Table(
        "epochs",
        metadata,
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("epoch", sa.Integer, nullable=False),
    )
    sa.Table(
        "idempotency_keys",
        metadata,
        sa.Column("principal", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True),
        sa.Column("request_hash", sa.LargeBinary, nullable=False),
        sa.Column("result", JSONB),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
    )
    return metadata


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
