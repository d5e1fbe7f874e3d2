"""What is known of clients beside who owns them."""

from sqlalchemy import Column, Computed, DateTime, Double, Index, LargeBinary, Numeric, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from services.clients.metadata import metadata

Table(
    "profiles",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("value", Numeric(18, 2)),
    Column("effort", Double, nullable=False),
    Column("regions", JSONB, nullable=False),
    Column("languages", JSONB, nullable=False),
    Column("contacts", JSONB, nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),  # of the body that registered it
    Column("imported", LargeBinary),  # of the row last imported, without owner and team
    Column("terms", TSVECTOR, Computed("search_terms(name, contacts)", persisted=True)),  # see `register.rules`
    Index("profiles_terms", "terms", postgresql_using="gin"),
    Column("status", Text, nullable=False, server_default="active"),
    Column("expected_value", Numeric(18, 2)),
    Column("external_ids", JSONB, nullable=False, server_default="{}"),
    Index("profiles_status", "status", "client_id", postgresql_where=text("status <> 'active'")),
)
