"""The case, its steps, its items and its timeline."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.offboarding.metadata import Timestamp, metadata
from services.offboarding.saga import OPEN_CASE_STATUSES

# `status` and `step` repeat what saga.py derives, for lists and for the index that keeps one open case per employment.
Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("employee_id", Text, nullable=False),
    Column("employment_id", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("caretakers", JSONB, nullable=False),
    Column("notice_on", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("last_day_over", Boolean, nullable=False, server_default="false"),
    Column("table_version", Integer, nullable=False),
    Column("epoch", Integer, nullable=False, server_default="1"),
    Column("undo", Text, nullable=False, server_default=""),
    Column("facts", JSONB, nullable=False, server_default="{}"),
    Column("checklist", JSONB, nullable=False),
    Column("next_departure", JSONB),
    Column("status", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("opened_at", Timestamp, nullable=False),
    Column("cleared_at", Timestamp),
    Column("cancelled_at", Timestamp),
    Column("figures", JSONB, nullable=False, server_default="{}"),
    Index(
        "cases_one_open",
        "employee_id",
        "employment_id",
        unique=True,
        postgresql_where=text(f"status IN {OPEN_CASE_STATUSES}"),
    ),
    Index("cases_employee_id", "employee_id"),
    Index("cases_status", "status"),
)

Table(
    "case_steps",
    metadata,
    Column("case_id", Text),
    Column("name", Text),
    Column("status", Text, nullable=False),
    Column("started_at", Timestamp),
    Column("finished_at", Timestamp),
    PrimaryKeyConstraint("case_id", "name"),
)

Table(
    "case_items",
    metadata,
    Column("case_id", Text),
    Column("step", Text),
    Column("name", Text),
    Column("position", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("receiver", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("is_undo", Boolean, nullable=False),
    Column("reason", Text),
    Column("part", Text, nullable=False, server_default=""),
    Column("round", Integer, nullable=False, server_default="0"),
    Column("chunk", Integer, nullable=False, server_default="0"),
    Column("asked_at", Timestamp),
    Column("settled_at", Timestamp),
    Column("settled_by", Text),
    PrimaryKeyConstraint("case_id", "step", "name"),
)

Table(
    "timeline",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("what", Text, nullable=False),
    Column("step", Text),
    Column("by_id", Text, nullable=False),
    Column("details", JSONB, nullable=False, server_default="{}"),
    Index("timeline_case_id", "case_id", "id"),
)
