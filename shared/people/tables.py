"""The tables of the copy, added to the metadata of each service that keeps one."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB


def add_people_tables(metadata: sa.MetaData) -> sa.MetaData:
    sa.Table(
        "people",
        metadata,
        sa.Column("employee_id", sa.Text, primary_key=True),
        sa.Column("heard", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("employment_id", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("department_id", sa.Text),
        sa.Column("manager_id", sa.Text),
        sa.Column("deputy_id", sa.Text),
        sa.Column("functions", JSONB, nullable=False, server_default="{}"),
        sa.Column("regions", JSONB, nullable=False, server_default="[]"),
        sa.Column("languages", JSONB, nullable=False, server_default="[]"),
        sa.Column("absences", JSONB, nullable=False, server_default="[]"),
        sa.Column("hired_on", sa.Date),
        sa.Column("stand_in_id", sa.Text),
        sa.Column("frozen", sa.Boolean, nullable=False, server_default="false"),
        sa.Column("frozen_at", sa.DateTime(timezone=True)),
        sa.Column("unowned", sa.Boolean, nullable=False, server_default="false"),
        sa.Column("settling", sa.Boolean, nullable=False, server_default="false"),
        # From this day on no access to clients; kept by the service that asks it.
        sa.Column("unacknowledged_from", sa.Date),
        sa.Index("people_stand_in_id", "stand_in_id"),
        sa.Index("people_department_id", "department_id"),
    )
    sa.Table(
        "grounds",
        metadata,
        sa.Column("employee_id", sa.Text, primary_key=True),
        sa.Column("employment_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("ref", sa.Text, primary_key=True),
        sa.Column("case_id", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("by_id", sa.Text),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
    )
    sa.Table(
        "departments",
        metadata,
        sa.Column("department_id", sa.Text, primary_key=True),
        sa.Column("heard", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("parent_id", sa.Text),
        sa.Column("head_id", sa.Text),
    )
    # Every head above a department, so that one look-up answers whether somebody heads it or any above it.
    sa.Table(
        "heads",
        metadata,
        sa.Column("department_id", sa.Text, primary_key=True),
        sa.Column("head_id", sa.Text, primary_key=True),
        sa.Column("distance", sa.Integer, nullable=False),
        sa.Index("heads_head_id", "head_id"),
    )
    return metadata
