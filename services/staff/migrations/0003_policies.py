"""Policies, their versions, and who acknowledged which."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "staff_0003"
down_revision = "staff_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "policy_versions",
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("texts", postgresql.JSONB(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("grace_days", sa.Integer(), nullable=False),
        sa.Column("required_for_access", sa.Boolean(), nullable=False),
        sa.Column("applies_to", postgresql.JSONB(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("policy_id", "version"),
    )
    op.create_table(
        "acknowledgements",
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("employment_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("policy_id", "version", "employee_id", "employment_id"),
    )
    op.create_index("acknowledgements_employee_id", "acknowledgements", ["employee_id"])
