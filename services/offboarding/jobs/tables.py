"""The queue of jobs."""

from sqlalchemy import Column, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from services.offboarding.metadata import Timestamp, metadata

Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("run_at", Timestamp, nullable=False),
    Column("holder", UUID(as_uuid=True)),
    Column("lease_until", Timestamp),
    Column("error", Text),
    Index("jobs_open", "run_at", postgresql_where=text("status IN ('queued', 'running')")),
    Index("jobs_case_id", "case_id"),
)
