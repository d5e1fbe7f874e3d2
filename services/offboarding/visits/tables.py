"""Visits."""

from sqlalchemy import Column, Date, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.offboarding.metadata import Timestamp, metadata

Table(
    "visits",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("why", JSONB, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("assignee_id", Text),
    Column("status", Text, nullable=False),
    Column("outcome", Text),
    Column("note", Text),
    Column("opened_at", Timestamp, nullable=False),
    Column("closed_at", Timestamp),
    Column("closed_by", Text),
    Index("visits_case_id", "case_id"),
    Index("visits_assignee_id", "assignee_id"),
)
