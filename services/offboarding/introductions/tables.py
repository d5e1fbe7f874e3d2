"""Introductions."""

from sqlalchemy import BigInteger, Column, Date, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.offboarding.metadata import Timestamp, metadata

Table(
    "introductions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("from_id", Text, nullable=False),
    Column("to_id", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("brief", JSONB),
    Column("by", Text),
    Column("how", Text),
    Column("reason", Text),
    Column("pass_id", Text),
    Column("pass_status", Text),
    Column("pass_command_id", Text),
    Column("client_sequence", BigInteger, nullable=False, server_default="0"),
    Column("opened_at", Timestamp, nullable=False),
    Column("changed_at", Timestamp, nullable=False),
    Index("introductions_case_id", "case_id", "rank", "id"),
    Index("introductions_to_id", "to_id"),
)
