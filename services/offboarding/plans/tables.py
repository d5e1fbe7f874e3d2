"""Plans in versions."""

from sqlalchemy import Column, Float, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.offboarding.metadata import Timestamp, metadata

Table(
    "plans",
    metadata,
    Column("case_id", Text),
    Column("version", Integer),
    Column("status", Text, nullable=False),
    Column("objective", Float, nullable=False),
    Column("bound", Float, nullable=False),
    Column("gap", Float, nullable=False),
    Column("places", JSONB, nullable=False),
    Column("loads", JSONB, nullable=False, server_default="{}"),
    Column("over", JSONB, nullable=False, server_default="[]"),
    Column("made_at", Timestamp, nullable=False),
    Column("approved_at", Timestamp),
    Column("approved_by", Text),
    PrimaryKeyConstraint("case_id", "version"),
)
