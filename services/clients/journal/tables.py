"""Entries of the journal, and the tree that they are leaves of."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from services.clients.metadata import metadata


def entry_columns() -> list[Column[Any]]:
    """What is said of a decision or change."""
    return [
        Column("leaf", UUID(as_uuid=True), nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("kind", Text, nullable=False),
        Column("actor", UUID(as_uuid=True)),
        Column("employee", UUID(as_uuid=True)),
        Column("client", UUID(as_uuid=True)),
        Column("action", Text),
        Column("reason", Text),
        Column("system", Text),  # through which system it was asked
        Column("employees", ARRAY(UUID(as_uuid=True))),
        Column("clients", ARRAY(UUID(as_uuid=True))),
        Column("details", JSONB),
    ]


# One row per leaf that waits for the sequencer; nothing is looked up here, so that writing stays cheap. A single decision
# stands in the columns; a page or batch in the arrays and `details`. Changes of many clients stand in the order of
# `details`, which says how many went from whom to whom; `history` leads to them.
Table(
    "journal_pending",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    *entry_columns(),
)
# The leaves of the tree, by month of appending: so all of a partition are one run of the tree. The view `journal_entries`
# has these and those that wait.
Table(
    "journal",
    metadata,
    Column("month", Date, nullable=False),
    Column("index", BigInteger, nullable=False),
    Column("id", BigInteger, nullable=False),
    *entry_columns(),
    PrimaryKeyConstraint("index", "month"),
    Index("journal_id", "id"),
    Index("journal_leaf", "leaf"),
    Index("journal_employee", "employee", "id"),
    Index("journal_client", "client", "id"),
    Index("journal_at", "at", postgresql_using="brin"),
    Index(
        "journal_clients",
        "clients",
        postgresql_using="gin",
        postgresql_where=text("clients IS NOT NULL AND kind <> 'client.transferred' AND kind <> 'client.registered'"),
    ),
    Index("journal_people", "employees", postgresql_using="gin", postgresql_where=text("employees IS NOT NULL")),
    postgresql_partition_by="RANGE (month)",
)
# Which leaves each month holds: `first` up to `next`.
Table(
    "journal_months",
    metadata,
    Column("month", Date, primary_key=True),
    Column("first", BigInteger, nullable=False),
    Column("next", BigInteger, nullable=False),
    Column("archived_at", DateTime(timezone=True)),
)
# Up to 256 hashes of 32 bytes: at level 0 of leaves, at level k of complete subtrees of 256 ** k leaves.
Table(
    "journal_tiles",
    metadata,
    Column("level", Integer),
    Column("n", BigInteger),
    Column("hashes", LargeBinary, nullable=False),
    PrimaryKeyConstraint("level", "n"),
)
# One row. Whoever holds its lock is the sequencer.
Table(
    "journal_tree",
    metadata,
    Column("one", Boolean, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
)
