"""Departments."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.staff.metadata import metadata

Table(
    "departments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("name", Text, nullable=False),
    Column("parent_id", Text),
    Column("head_id", Text),
    Column("body_hash", LargeBinary),
    Column("imported", JSONB),
    Index("departments_parent_id", "parent_id"),
    Index("departments_head_id", "head_id"),
)
