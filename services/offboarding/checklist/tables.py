"""The company's checklist in versions."""

from sqlalchemy import Column, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.offboarding.metadata import Timestamp, metadata

Table(
    "checklist",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("entries", JSONB, nullable=False),
    Column("by_id", Text, nullable=False),
    Column("at", Timestamp, nullable=False),
)
