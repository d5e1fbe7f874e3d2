"""Passes as heard from `clients`: a running one releases held stages."""

from sqlalchemy import Boolean, Column, DateTime, Index, Table, Text, text

from services.orders.metadata import metadata

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
