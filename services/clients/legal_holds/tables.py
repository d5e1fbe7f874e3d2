"""Whose entries in the journal are kept for the law."""

from sqlalchemy import Column, DateTime, Table, Text

from services.clients.metadata import metadata

# While somebody is held, no month with an entry about them is dropped, and the journal keeps who they are.
Table(
    "journal_holds",
    metadata,
    Column("employee_id", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("by_id", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
