"""Versions of policies, which never change, and who has acknowledged which."""

from sqlalchemy import Boolean, Column, Date, DateTime, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.staff.metadata import metadata

Table(
    "policy_versions",
    metadata,
    Column("policy_id", Text),
    Column("version", Integer),
    Column("title", Text, nullable=False),
    Column("texts", JSONB, nullable=False),
    Column("published_on", Date, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("grace_days", Integer, nullable=False),
    Column("required_for_access", Boolean, nullable=False),
    Column("applies_to", JSONB, nullable=False),
    Column("by_id", Text, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("policy_id", "version"),
)
Table(
    "acknowledgements",
    metadata,
    Column("policy_id", Text),
    Column("version", Integer),
    Column("employee_id", Text),
    Column("employment_id", Text),
    Column("state", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("by_id", Text, nullable=False),
    Column("evidence", Text),
    Column("reason", Text),
    PrimaryKeyConstraint("policy_id", "version", "employee_id", "employment_id"),
    Index("acknowledgements_employee_id", "employee_id"),
)
