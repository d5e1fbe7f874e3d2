"""What was really used, as other systems report it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "clients_0006"
down_revision = "clients_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "usage",
        sa.Column("item", UUID(as_uuid=True), primary_key=True),
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
    )
    op.create_index("usage_employee_id", "usage", ["employee_id", "at"])
    op.create_index("usage_at", "usage", ["at"], postgresql_using="brin")
    op.create_table(
        "usage_systems",
        sa.Column("system", sa.Text(), primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "notices",
        sa.Column("employee_id", sa.Text()),
        sa.Column("employment_id", sa.Text()),
        sa.Column("notice_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("employee_id", "employment_id"),
    )
