"""Sources of the HRIS, and the messages that they sent."""

from sqlalchemy import Column, DateTime, Index, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from services.staff.metadata import metadata

Table(
    "hris_sources",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("previous", JSONB, nullable=False, server_default="[]"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("body_hash", LargeBinary),
)
Table(
    "hris_messages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source_id", Text, nullable=False),
    Column("webhook_id", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("said_at", DateTime(timezone=True)),
    Column("type", Text),
    Column("employee_id", Text),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("awaits", Text),
    Column("body", LargeBinary),
    Column("seen_by", Text),
    Column("seen_at", DateTime(timezone=True)),
    Index("hris_messages_webhook_id", "source_id", "webhook_id", unique=True),
    Index("hris_messages_awaits", "awaits", postgresql_where=text("outcome = 'pending'")),
    Index("hris_messages_outcome", "outcome", "id"),
)
