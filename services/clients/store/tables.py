"""The tables of clients. Who owns what is a narrow row, so that a transfer of many rewrites little."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from shared.outbox.tables import chassis_tables
from shared.people import people_tables

metadata = MetaData()
chassis_tables(metadata)
people_tables(metadata)

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
# How many clients each owner of record has, kept by whoever changes owners: a freeze must not count 100,000 rows.
Table(
    "portfolios",
    metadata,
    Column("owner_id", Text, primary_key=True),
    Column("clients", BigInteger, nullable=False),
)
Table(
    "passes",
    metadata,
    Column("pass_id", Text, primary_key=True),
    Column("employee_id", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("from_time", DateTime(timezone=True), nullable=False),
    Column("until_time", DateTime(timezone=True), nullable=False),
    Column("granted_by", Text, nullable=False),
    Column("granted_at", DateTime(timezone=True), nullable=False),
    Column("case_id", Text),
    Column("withdrawn_at", DateTime(timezone=True)),
    Column("withdrawn_by", Text),
    Index("passes_employee_id", "employee_id", "client_id"),
    Index("passes_client_id", "client_id"),
)
# Who asked first to lift a freeze; a second person in another role ends it.
Table(
    "liftings",
    metadata,
    Column("employee_id", Text, primary_key=True),
    Column("by_id", Text, nullable=False),
    Column("roles", JSONB, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
# Since when the other services hold a freeze, from their acknowledgements.
Table(
    "enforced",
    metadata,
    Column("employee_id", Text),
    Column("service", Text),
    Column("since", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("employee_id", "service"),
)
Table(
    "last_days",
    metadata,
    Column("employee_id", Text),
    Column("employment_id", Text),
    Column("last_day", Date, nullable=False),
    PrimaryKeyConstraint("employee_id", "employment_id"),
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
