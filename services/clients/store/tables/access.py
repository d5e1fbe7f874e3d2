"""Freezes and passes, beside the copy of the register."""

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Identity, Index, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.clients.store.tables.base import metadata

Table(
    "stand_ins",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("employee_id", Text, nullable=False),
    Column("stand_in_id", Text),
    Column("unowned", Boolean, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("stand_ins_employee_id", "employee_id", "id"),
    Index("stand_ins_stand_in_id", "stand_in_id"),
)
Table(
    "passes",
    metadata,
    Column("pass_id", Text, primary_key=True),
    Column("employee_id", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("from_time", DateTime(timezone=True), nullable=False),
    Column("until_time", DateTime(timezone=True), nullable=False),
    Column("granted_by", Text, nullable=False),
    Column("granted_at", DateTime(timezone=True), nullable=False),
    Column("case_id", Text),
    Column("withdrawn_at", DateTime(timezone=True)),
    Column("withdrawn_by", Text),
    Index("passes_employee_id", "employee_id", "client_id"),
    Index("passes_client_id", "client_id"),
)
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
Table(
    "last_days",
    metadata,
    Column("employee_id", Text),
    Column("employment_id", Text),
    Column("last_day", Date, nullable=False),
    PrimaryKeyConstraint("employee_id", "employment_id"),
)
