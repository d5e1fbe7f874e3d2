"""What was erased and when, and which cases are open."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "staff_0002"
down_revision = "staff_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("employees", sa.Column("erased_at", sa.DateTime(timezone=True)))
    op.create_table(
        "erasures",
        sa.Column("employee_id", sa.Text()),
        sa.Column("service", sa.Text()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("what", postgresql.JSONB(), nullable=False),
        sa.Column("held", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("employee_id", "service"),
    )
    op.create_table(
        "cases",
        sa.Column("case_id", sa.Text(), primary_key=True),
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("employment_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
    )
    op.create_index("cases_employee_id", "cases", ["employee_id"])
    op.create_table("legal_holds", sa.Column("employee_id", sa.Text(), primary_key=True))
