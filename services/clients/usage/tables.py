"""What was really used, as other systems report it. Ids, not surrogates: erasure deletes rows."""

from sqlalchemy import Column, DateTime, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from services.clients.metadata import metadata

# `item` is made of what the reporter calls it, or of all that it says: the same item twice is one row.
Table(
    "usage",
    metadata,
    Column("item", UUID(as_uuid=True), primary_key=True),
    Column("employee_id", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("system", Text, nullable=False),
    Index("usage_employee_id", "employee_id", "at"),
    Index("usage_at", "at", postgresql_using="brin"),  # for retention, at the price of nothing
)
# From when to when each system has reported anything of anybody: else nothing would be read as nothing happened.
Table(
    "usage_systems",
    metadata,
    Column("system", Text, primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("last", DateTime(timezone=True), nullable=False),
)
