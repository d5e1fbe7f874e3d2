"""The copies of orders and policies, and who acknowledged which."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, Numeric, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.clients.metadata import metadata

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
Table(
    "policy_versions",
    metadata,
    Column("policy_id", Text),
    Column("version", Integer),
    Column("published_on", Date, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("grace_days", Integer, nullable=False),
    Column("required", Boolean, nullable=False),
    Column("applies_to", JSONB, nullable=False),
    PrimaryKeyConstraint("policy_id", "version"),
)
Table(
    "acknowledged",
    metadata,
    Column("employee_id", Text),
    Column("employment_id", Text),
    Column("policy_id", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("employee_id", "employment_id", "policy_id"),
)
