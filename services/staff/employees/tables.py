"""Employees as they are now, and what was: `employments` and `life_changes` only grow."""

from sqlalchemy import BigInteger, Column, Date, DateTime, Identity, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from services.staff.metadata import metadata

Table(
    "employees",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("position", Text),
    Column("department_id", Text),
    Column("manager_id", Text),
    Column("deputy_id", Text),
    Column("functions", JSONB, nullable=False, server_default="{}"),
    Column("regions", JSONB, nullable=False, server_default="[]"),
    Column("languages", JSONB, nullable=False, server_default="[]"),
    Column("absences", JSONB, nullable=False, server_default="[]"),
    Column("hris_absences", JSONB, nullable=False, server_default="{}"),
    Column("employment_id", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True)),
    Column("hired_on", Date, nullable=False),
    Column("status", Text, nullable=False, server_default="active"),
    Column("notice_on", Date),
    Column("last_day", Date),
    Column("ends_on", Date),
    Column("left_on", Date),
    Column("rehired", JSONB),
    Column("said", JSONB, nullable=False, server_default="{}"),
    Column("body_hash", LargeBinary),
    Column("imported", JSONB),
    Column("erased_at", DateTime(timezone=True)),
    Index("employees_department_id", "department_id"),
    Index("employees_manager_id", "manager_id"),
    Index("employees_last_day", "last_day", postgresql_where=text("status = 'resigned'")),
    Index("employees_status", "status"),
)
Table(
    "employments",
    metadata,
    Column("employment_id", Text, primary_key=True),
    Column("employee_id", Text, nullable=False),
    Column("hired_on", Date, nullable=False),
    Column("notice_on", Date),
    Column("last_day", Date),
    Column("ends_on", Date),
    Column("left_on", Date),
    Index("employments_employee_id", "employee_id"),
)
Table(
    "life_changes",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("employee_id", Text, nullable=False),
    Column("employment_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("said_at", DateTime(timezone=True), nullable=False),
    Column("by_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("notice_on", Date),
    Column("last_day", Date),
    Column("ends_on", Date),
    Column("left_on", Date),
    Column("reason", Text),
    Index("life_changes_employee_id", "employee_id"),
)
Table(
    "frozen_access",
    metadata,
    Column("employee_id", Text, primary_key=True),
    Column("employment_id", Text, nullable=False),
)
