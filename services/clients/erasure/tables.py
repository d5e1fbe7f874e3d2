"""What was erased and when."""

from sqlalchemy import Boolean, Column, DateTime, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.clients.metadata import metadata

# `kind`: employee, client, contact (`part` is its id within the client). `what`: kinds and numbers, never what it was.
# `held`: a legal hold keeps the surrogate.
Table(
    "erasures",
    metadata,
    Column("kind", Text),
    Column("id", Text),
    Column("part", Text),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("by_id", Text, nullable=False),
    Column("reason", Text),
    Column("what", JSONB, nullable=False),
    Column("held", Boolean, nullable=False),
    PrimaryKeyConstraint("kind", "id", "part"),
)
