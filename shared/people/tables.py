"""The tables of the copy, added to the metadata of each service that keeps one."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB


def add_people_tables(metadata: MetaData) -> None:
    Table(
        "people",
        metadata,
        Column("employee_id", Text, primary_key=True),
        Column("heard", BigInteger, nullable=False, server_default="0"),
        Column("employment_id", Text),
        Column("status", Text),
        Column("department_id", Text),
        Column("manager_id", Text),
        Column("deputy_id", Text),
        Column("functions", JSONB, nullable=False, server_default="{}"),
        Column("regions", JSONB, nullable=False, server_default="[]"),
        Column("languages", JSONB, nullable=False, server_default="[]"),
        Column("absences", JSONB, nullable=False, server_default="[]"),
        Column("hired_on", Date),
        Column("stand_in_id", Text),
        Column("frozen", Boolean, nullable=False, server_default="false"),
        Column("frozen_at", DateTime(timezone=True)),
        Column("unowned", Boolean, nullable=False, server_default="false"),
        Column("settling", Boolean, nullable=False, server_default="false"),
        Column("unacknowledged_from", Date),  # from this day on no access to clients; kept by the service that asks it
        Index("people_stand_in_id", "stand_in_id"),
        Index("people_department_id", "department_id"),
    )
    Table(
        "grounds",
        metadata,
        Column("employee_id", Text),
        Column("employment_id", Text),
        Column("kind", Text),
        Column("ref", Text),
        Column("case_id", Text),
        Column("reason", Text),
        Column("by_id", Text),
        Column("since", DateTime(timezone=True), nullable=False),
        Column("ended_at", DateTime(timezone=True)),
        PrimaryKeyConstraint("employee_id", "employment_id", "kind", "ref"),
    )
    Table(
        "departments",
        metadata,
        Column("department_id", Text, primary_key=True),
        Column("heard", BigInteger, nullable=False),
        Column("name", Text, nullable=False),
        Column("parent_id", Text),
        Column("head_id", Text),
    )
    # Every head above a department, so that one look-up answers whether somebody heads it or any above it.
    Table(
        "heads",
        metadata,
        Column("department_id", Text),
        Column("head_id", Text),
        Column("distance", Integer, nullable=False),
        PrimaryKeyConstraint("department_id", "head_id"),
        Index("heads_head_id", "head_id"),
    )
