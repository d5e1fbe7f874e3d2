"""Clients, who owns and serves them, and the copy of orders. Who owns what is a narrow row, so that a transfer of many
rewrites little.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    Identity,
    Index,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR, UUID

from services.clients.store.tables.base import metadata

Table(
    "clients",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("version", BigInteger, nullable=False, server_default="1"),
    Column("surrogate", UUID(as_uuid=True), nullable=False),  # as in `surrogates`, at hand for every decision
    Index("clients_owner_id", "owner_id", "client_id"),
)
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
    Column("terms", TSVECTOR, Computed("search_terms(name, contacts)", persisted=True)),  # see domain.search
    Index("profiles_terms", "terms", postgresql_using="gin"),
    Column("status", Text, nullable=False, server_default="active"),
    Column("expected_value", Numeric(18, 2)),
    Column("external_ids", JSONB, nullable=False, server_default="{}"),
    Index("profiles_status", "status", "client_id", postgresql_where=text("status <> 'active'")),
)
# Every id that leads to a client: those it shows in its profile, and those that it took over from clients merged into it
# (their own under the system `merged`).
Table(
    "external_ids",
    metadata,
    Column("system", Text),
    Column("id", Text),
    Column("client_id", Text, nullable=False),
    PrimaryKeyConstraint("system", "id"),
    Index("external_ids_client_id", "client_id"),
)
Table(
    "team",
    metadata,
    Column("client_id", Text),
    Column("function", Text),
    Column("employee_id", Text, nullable=False),
    PrimaryKeyConstraint("client_id", "function"),
    Index("team_employee_id", "employee_id"),
)
# Append-only: every owner of record that a client ever had, and every stand-in that a person ever had.
Table(
    "history",
    metadata,
    Column("client_id", Text),
    Column("id", BigInteger, Identity()),
    Column("kind", Text, nullable=False),
    Column("from_id", Text),
    Column("to_id", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("by_id", Text, nullable=False),
    Column("case_id", Text),
    Column("reason", Text),
    Column("leaf", UUID(as_uuid=True), nullable=False),
    PrimaryKeyConstraint("client_id", "id"),
)
# How many clients each owner of record has, kept by whoever changes owners: a freeze must not count 100,000 rows.
Table(
    "portfolios",
    metadata,
    Column("owner_id", Text, primary_key=True),
    Column("clients", BigInteger, nullable=False),
)
Table(
    "client_orders",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("value", Numeric(18, 2), nullable=False),
    Column("placed_on", Date, nullable=False),
    Column("status", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Index("client_orders_client_id", "client_id", "placed_on"),
)
Table(
    "open_stages",
    metadata,
    Column("order_id", Text),
    Column("stage", Text),
    Column("client_id", Text, nullable=False),
    Column("employee_id", Text, nullable=False),
    PrimaryKeyConstraint("order_id", "stage"),
    Index("open_stages_client_id", "client_id", "employee_id"),
    Index("open_stages_employee_id", "employee_id"),
)
