"""The tables. Stages carry what their flow said when the order was placed, so a later version changes nothing here."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.outbox.tables import add_chassis_tables
from shared.people.tables import add_people_tables

metadata = MetaData()
add_chassis_tables(metadata)
add_people_tables(metadata)

Table(
    "flows",
    metadata,
    Column("flow_id", Text),
    Column("version", Integer),
    Column("name", Text, nullable=False),
    Column("stages", JSONB, nullable=False),
    Column("separate", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("flow_id", "version"),
)
Table(
    "orders",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("flow_id", Text, nullable=False),
    Column("flow_version", Integer, nullable=False),
    Column("value", Numeric(18, 2), nullable=False),
    Column("origin", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("placed_on", Date, nullable=False),
    Column("promised_on", Date),
    Column("planned_on", Date, nullable=False),
    Column("delivered_on", Date),
    Column("cancelled_on", Date),
    Column("cancel_reason", Text),
    Column("placed_by", Text),
    Column("placed_at", DateTime(timezone=True), nullable=False),
    Column("asked", LargeBinary, nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("orders_client_id", "client_id", "placed_on"),
    Index("orders_open", "order_id", postgresql_where=text("status = 'open'")),
    Index("orders_placed_by", "placed_by"),
)
Table(
    "stages",
    metadata,
    Column("order_id", Text),
    Column("position", Integer),
    Column("name", Text, nullable=False),
    Column("function", Text, nullable=False),
    Column("effort", Float, nullable=False),
    Column("days", Integer, nullable=False),
    Column("apart", ARRAY(Text), nullable=False),
    Column("status", Text, nullable=False),
    Column("held_from", Text),
    Column("open", Boolean, nullable=False),
    Column("employee_id", Text),
    Column("starts_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("started_on", Date),
    Column("completed_on", Date),
    PrimaryKeyConstraint("order_id", "position"),
    Index("stages_employee_id", "employee_id", "order_id"),
    Index("stages_open", "employee_id", "function", postgresql_where=text("open")),
)
Table(
    "known_clients",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("owner_id", Text),  # of record
    Column("heard", BigInteger, nullable=False, server_default="0"),
)
Table(
    "passes",
    metadata,
    Column("pass_id", Text, primary_key=True),
    Column("employee_id", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("from_time", DateTime(timezone=True), nullable=False),
    Column("until_time", DateTime(timezone=True), nullable=False),
    Column("begun", Boolean, nullable=False),
    Column("ended", Boolean, nullable=False),
    Index("passes_employee_id", "employee_id", "client_id"),
    Index("passes_pending", "from_time", postgresql_where=text("NOT ended")),
)
