"""When notice was given."""

from sqlalchemy import Column, Date, PrimaryKeyConstraint, Table, Text

from services.clients.metadata import metadata

Table(
    "notices",
    metadata,
    Column("employee_id", Text),
    Column("employment_id", Text),
    Column("notice_on", Date, nullable=False),
    PrimaryKeyConstraint("employee_id", "employment_id"),
)
