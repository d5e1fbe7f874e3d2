"""How the transferred clients do since."""

from sqlalchemy import Column, Date, Integer, Numeric, PrimaryKeyConstraint, Table, Text

from services.offboarding.metadata import metadata

Table(
    "followups",
    metadata,
    Column("case_id", Text),
    Column("client_id", Text),
    Column("successor_id", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date, nullable=False),
    Column("revenue", Numeric(18, 2), nullable=False),
    Column("revenue_before", Numeric(18, 2), nullable=False),
    Column("orders", Integer, nullable=False),
    Column("orders_before", Integer, nullable=False),
    Column("delivered", Integer, nullable=False),
    Column("delivered_before", Integer, nullable=False),
    Column("on_time", Integer, nullable=False),
    Column("on_time_before", Integer, nullable=False),
    PrimaryKeyConstraint("case_id", "client_id"),
)
