"""How many clients each employee exports on a day, and what was granted beyond the limit. Ids: only days are kept."""

from sqlalchemy import BigInteger, Column, Date, DateTime, Index, PrimaryKeyConstraint, Table, Text, text

from services.clients.metadata import metadata

# The row that every export of an employee and day locks. `reached`: at how many it was refused last; `told`: of which
# of these the event was sent.
Table(
    "export_days",
    metadata,
    Column("employee_id", Text),
    Column("day", Date),
    Column("clients", BigInteger, nullable=False, server_default="0"),
    Column("reached", BigInteger),
    Column("told", BigInteger),
    PrimaryKeyConstraint("employee_id", "day"),
    Index("export_days_untold", "employee_id", "day", postgresql_where=text("reached IS DISTINCT FROM told")),
)
Table(
    "exported",
    metadata,
    Column("employee_id", Text),
    Column("day", Date),
    Column("client_id", Text),
    PrimaryKeyConstraint("employee_id", "day", "client_id"),
    Index("exported_day", "day", postgresql_using="brin"),  # for forgetting, at the price of nothing
)
# `clients` more than the limit; None: as many as they like.
Table(
    "export_grants",
    metadata,
    Column("grant_id", Text, primary_key=True),
    Column("employee_id", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("clients", BigInteger),
    Column("reason", Text, nullable=False),
    Column("granted_by", Text, nullable=False),
    Column("granted_at", DateTime(timezone=True), nullable=False),
    Column("withdrawn_at", DateTime(timezone=True)),
    Column("withdrawn_by", Text),
    Index("export_grants_employee_id", "employee_id", "day"),
)
