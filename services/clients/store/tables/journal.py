"""The journal, and the surrogates under which it names people and clients."""

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

from services.clients.store.tables.base import metadata


def entry() -> list[Column[Any]]:
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


# Under these the journal names people (`employee`) and clients (`client`); erasure deletes the row.
Table(
    "surrogates",
    metadata,
    Column("id", Text),
    Column("kind", Text),
    Column("surrogate", UUID(as_uuid=True), nullable=False, server_default=text("gen_random_uuid()")),
    PrimaryKeyConstraint("id", "kind"),
    Index("surrogates_surrogate", "surrogate", unique=True),
)
# One row per leaf that waits for the sequencer; nothing is looked up here, so that writing stays cheap. A single decision
# stands in the columns; a page or batch in the arrays and `details`. Changes of many clients stand in the order of
# `details`, which says how many went from whom to whom; `history` leads to them.
Table(
    "journal_pending",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    *entry(),
)
# The leaves of the tree, by month of appending: so all of a partition are one run of the tree. The view `journal_entries`
# has these and those that wait.
Table(
    "journal",
    metadata,
    Column("month", Date, nullable=False),
    Column("index", BigInteger, nullable=False),
    Column("id", BigInteger, nullable=False),
    *entry(),
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
# While somebody is held, no month with an entry about them is dropped, and the journal keeps who they are.
Table(
    "journal_holds",
    metadata,
    Column("employee_id", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("by_id", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
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
# `file_at`, `webhook_at`: when it was taken to that place outside.
Table(
    "checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("note", Text, nullable=False),
    Column("file_at", DateTime(timezone=True)),
    Column("webhook_at", DateTime(timezone=True)),
)
