"""Who asked to lift a freeze, and where freezes are in force; the rest is in the copy of the register."""

from sqlalchemy import Column, DateTime, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.clients.metadata import metadata

# Who asked first to lift a freeze; a second person in another role ends it.
Table(
    "liftings",
    metadata,
    Column("employee_id", Text, primary_key=True),
    Column("by_id", Text, nullable=False),
    Column("roles", JSONB, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
# Since when the other services hold a freeze, from their acknowledgements.
Table(
    "enforced",
    metadata,
    Column("employee_id", Text),
    Column("service", Text),
    Column("since", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("employee_id", "service"),
)
