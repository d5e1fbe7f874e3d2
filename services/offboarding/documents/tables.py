"""The inventory of working documents."""

from sqlalchemy import Column, Index, Table, Text

from services.offboarding.metadata import Timestamp, metadata

Table(
    "documents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("client_id", Text),
    Column("status", Text, nullable=False),
    Column("receiver_id", Text),
    Column("listed_by", Text, nullable=False),
    Column("listed_at", Timestamp, nullable=False),
    Column("handed_over_at", Timestamp),
    Column("received_at", Timestamp),
    Column("received_by", Text),
    Index("documents_case_id", "case_id"),
)
