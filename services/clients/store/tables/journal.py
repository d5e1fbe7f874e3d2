"""The journal, and the surrogates under which it names people and clients."""

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from services.clients.store.tables.base import metadata

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
# One row per leaf. A single decision stands in the columns; a page or batch in the arrays and `details`. Changes of many
# clients stand in the order of `details`, which says how many went from whom to whom; `history` leads to them.
Table(
    "journal_pending",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
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
    Index("journal_pending_leaf", "leaf"),
    Index("journal_pending_employee", "employee", "id"),
    Index("journal_pending_client", "client", "id"),
    Index(
        "journal_pending_clients",
        "clients",
        postgresql_using="gin",
        postgresql_where=text("clients IS NOT NULL AND kind <> 'client.transferred' AND kind <> 'client.registered'"),
    ),
    Index(
        "journal_pending_people",
        "employees",
        postgresql_using="gin",
        postgresql_where=text("employees IS NOT NULL"),
    ),
)
