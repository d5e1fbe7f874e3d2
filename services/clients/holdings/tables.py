"""Who owns and serves which client. Who owns what is a narrow row, so that a transfer of many rewrites little."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, Index, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from services.clients.metadata import metadata

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
    "stand_ins",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("employee_id", Text, nullable=False),
    Column("stand_in_id", Text),
    Column("unowned", Boolean, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("stand_ins_employee_id", "employee_id", "id"),
    Index("stand_ins_stand_in_id", "stand_in_id"),
)
