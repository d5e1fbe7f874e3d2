"""Flows, a row for each version."""

from sqlalchemy import Column, DateTime, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.orders.metadata import metadata

Table(
    "flows",
    metadata,
    Column("flow_id", Text),
    Column("version", Integer),
    Column("name", Text, nullable=False),
    Column("stages", JSONB, nullable=False),
    Column("separate", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("flow_id", "version"),
)
