"""What was erased: kinds and numbers by service, never what it was; and whom the journal keeps for a legal hold."""

from sqlalchemy import Boolean, Column, DateTime, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.staff.metadata import metadata

# Without a row a service has not answered yet.
Table(
    "erasures",
    metadata,
    Column("employee_id", Text),
    Column("service", Text),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("by_id", Text, nullable=False),
    Column("reason", Text),
    Column("what", JSONB, nullable=False),
    Column("held", Boolean, nullable=False, server_default="false"),
    PrimaryKeyConstraint("employee_id", "service"),
)
Table("legal_holds", metadata, Column("employee_id", Text, primary_key=True))
