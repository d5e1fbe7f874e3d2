"""Passes, and the announced last working days that they are measured by."""

from sqlalchemy import Column, Date, DateTime, Index, PrimaryKeyConstraint, Table, Text

from services.clients.metadata import metadata

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
Table(
    "last_days",
    metadata,
    Column("employee_id", Text),
    Column("employment_id", Text),
    Column("last_day", Date, nullable=False),
    PrimaryKeyConstraint("employee_id", "employment_id"),
)
