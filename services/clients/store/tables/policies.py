"""The copy of policies, and who acknowledged which."""

from sqlalchemy import Boolean, Column, Date, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.clients.store.tables.base import metadata

Table(
    "policy_versions",
    metadata,
    Column("policy_id", Text),
    Column("version", Integer),
    Column("published_on", Date, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("grace_days", Integer, nullable=False),
    Column("required", Boolean, nullable=False),
    Column("applies_to", JSONB, nullable=False),
    PrimaryKeyConstraint("policy_id", "version"),
)
Table(
    "acknowledged",
    metadata,
    Column("employee_id", Text),
    Column("employment_id", Text),
    Column("policy_id", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("employee_id", "employment_id", "policy_id"),
)
