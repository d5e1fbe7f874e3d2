"""The copy of the register: the second step of every service that keeps one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.migrations import run_statements

revision = "people_0001"
down_revision = "outbox_0001"

FUNCTIONS = r""""""
TABLES = r""""""


def upgrade() -> None:
    run_statements(op.get_bind(), FUNCTIONS)
    op.create_table(
        "departments",
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("heard", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=True),
        sa.Column("head_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("department_id"),
    )
    op.create_table(
        "grounds",
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("employment_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("by_id", sa.Text(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("employee_id", "employment_id", "kind", "ref"),
    )
    op.create_table(
        "heads",
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("head_id", sa.Text(), nullable=False),
        sa.Column("distance", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("department_id", "head_id"),
    )
    op.create_index("heads_head_id", "heads", ["head_id"], unique=False)
    op.create_table(
        "people",
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("heard", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("employment_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("department_id", sa.Text(), nullable=True),
        sa.Column("manager_id", sa.Text(), nullable=True),
        sa.Column("deputy_id", sa.Text(), nullable=True),
        sa.Column("functions", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("regions", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("languages", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("absences", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("hired_on", sa.Date(), nullable=True),
        sa.Column("stand_in_id", sa.Text(), nullable=True),
        sa.Column("frozen", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unowned", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("settling", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("unacknowledged_from", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("employee_id"),
    )
    op.create_index("people_department_id", "people", ["department_id"], unique=False)
    op.create_index("people_stand_in_id", "people", ["stand_in_id"], unique=False)
    run_statements(op.get_bind(), TABLES)
