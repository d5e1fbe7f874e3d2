"""Departures that the brake holds or counts, and the cases that follow from departures, as heard."""

from sqlalchemy import Boolean, Column, Date, DateTime, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from services.staff.metadata import metadata

Table(
    "hris_days",
    metadata,
    Column("source_id", Text),
    Column("day", Date),
    Column("departures", Integer, nullable=False),
    Column("staff", Integer, nullable=False),
    PrimaryKeyConstraint("source_id", "day"),
)
Table(
    "holds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source_id", Text, nullable=False),
    Column("employee_id", Text, nullable=False),
    Column("employment_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("notice_on", Date),
    Column("last_day", Date),
    Column("ends_on", Date),
    Column("left_on", Date),
    Column("reason", Text),
    Column("said_at", DateTime(timezone=True), nullable=False),
    Column("held_at", DateTime(timezone=True), nullable=False),
    Column("frozen", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    Index("holds_open", "employee_id", unique=True, postgresql_where=text("state = 'held'")),
)
Table(
    "cases",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("employee_id", Text, nullable=False),
    Column("employment_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Index("cases_employee_id", "employee_id"),
)
