"""Who of us met whom, and what clients say."""

from sqlalchemy import Column, DateTime, Index, Integer, Table, Text

from services.clients.metadata import metadata

Table(
    "interactions",
    metadata,
    Column("interaction_id", Text, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("employee_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("summary", Text),
    Column("by_id", Text, nullable=False),
    Index("interactions_client_id", "client_id", "at"),
)
Table(
    "feedback",
    metadata,
    Column("feedback_id", Text, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("score", Integer, nullable=False),
    Column("note", Text),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("by_id", Text, nullable=False),
    Index("feedback_client_id", "client_id", "at"),
)
