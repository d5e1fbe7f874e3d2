"""What the assessment found of each client."""

from sqlalchemy import Column, Float, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.offboarding.metadata import metadata

Table(
    "risks",
    metadata,
    Column("case_id", Text),
    Column("client_id", Text),
    Column("rank", Integer, nullable=False),
    Column("score", Float, nullable=False),
    Column("why", JSONB, nullable=False),
    PrimaryKeyConstraint("case_id", "client_id"),
)
