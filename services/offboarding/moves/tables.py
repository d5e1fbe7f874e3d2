"""What goes to whom, and what became of it."""

from sqlalchemy import Boolean, Column, Float, Index, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.offboarding.metadata import Timestamp, metadata

# What a plan says of one client, stage or team place, and what became of it. `part`: client, stage, team, and
# left_client, left_stage for what is written through to the stand-in at the end.
Table(
    "moves",
    metadata,
    Column("case_id", Text),
    Column("version", Integer),
    Column("part", Text),
    Column("client_id", Text),
    Column("order_id", Text, server_default=""),
    Column("stage", Text, server_default=""),
    Column("function", Text, server_default=""),
    Column("to_id", Text),
    Column("why", JSONB, nullable=False, server_default="[]"),
    Column("cost", Float, nullable=False, server_default="0"),
    Column("unplaced", Text),
    Column("effort", Float, nullable=False, server_default="1"),
    Column("about", JSONB, nullable=False, server_default="{}"),
    Column("edited", Boolean, nullable=False, server_default="false"),
    Column("chunk", Integer),
    Column("outcome", Text),
    Column("moved_at", Timestamp),
    Column("returned", Text),
    PrimaryKeyConstraint("case_id", "version", "part", "client_id", "order_id", "stage", "function"),
    Index("moves_chunk", "case_id", "version", "part", "chunk"),
)
