"""Checkpoints of the journal, and where outside they were taken to."""

from sqlalchemy import BigInteger, Column, DateTime, Table, Text

from services.clients.metadata import metadata

# `file_at`, `webhook_at`: when it was taken to that place outside.
Table(
    "checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("note", Text, nullable=False),
    Column("file_at", DateTime(timezone=True)),
    Column("webhook_at", DateTime(timezone=True)),
)
