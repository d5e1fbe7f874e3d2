"""On whom each client hangs, as of the last time it was computed."""

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Index, Integer, Numeric, Table, Text, desc, text

from services.clients.metadata import metadata

# On whom each client hangs, as of the last time it was computed: `alone_id` and `why` of those known by one at most.
# `told_id`: of whom it was told that this client, of high value, hangs on them alone.
Table(
    "client_risks",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("value", Numeric(28, 2), nullable=False),
    Column("known_by", Integer, nullable=False),
    Column("alone_id", Text),
    Column("why", Text),
    Column("computed_at", DateTime(timezone=True), nullable=False),
    Column("told_id", Text),
    Index("client_risks_value", desc("value"), "client_id", postgresql_where=text("alone_id IS NOT NULL")),
    Index(
        "client_risks_alone_id", "alone_id", desc("value"), "client_id", postgresql_where=text("alone_id IS NOT NULL")
    ),
)
# One row: when that was, for which day of the company, and what came out for all clients together.
Table(
    "risks_computed",
    metadata,
    Column("one", Boolean, primary_key=True, server_default="true"),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("day", Date, nullable=False),
    Column("clients", BigInteger, nullable=False),
    Column("value", Numeric(28, 2), nullable=False),
)
