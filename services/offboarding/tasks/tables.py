"""Human tasks."""

from sqlalchemy import Column, Date, Index, Table, Text, text

from services.offboarding.metadata import Timestamp, metadata

Table(
    "tasks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("assignee_id", Text),
    Column("due_on", Date, nullable=False),
    Column("status", Text, nullable=False),
    Column("proof", Text),
    Column("reason", Text),
    Column("reminded", Text, nullable=False, server_default=""),
    Column("opened_at", Timestamp, nullable=False),
    Column("closed_at", Timestamp),
    Column("closed_by", Text),
    Index("tasks_case_id", "case_id"),
    Index("tasks_assignee_id", "assignee_id"),
    Index("tasks_open", "due_on", postgresql_where=text("status = 'open'")),
)
