"""Flows, orders, stages; which clients are known; passes that release held stages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "orders_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "flows",
        sa.Column("flow_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("stages", postgresql.JSONB, nullable=False),
        sa.Column("separate", postgresql.JSONB, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("flow_id", "version"),
    )
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("flow_id", sa.Text, nullable=False),
        sa.Column("flow_version", sa.Integer, nullable=False),
        sa.Column("value", sa.Numeric(18, 2), nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("placed_on", sa.Date, nullable=False),
        sa.Column("promised_on", sa.Date),
        sa.Column("planned_on", sa.Date, nullable=False),
        sa.Column("delivered_on", sa.Date),
        sa.Column("cancelled_on", sa.Date),
        sa.Column("cancel_reason", sa.Text),
        sa.Column("placed_by", sa.Text),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked", sa.LargeBinary, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("orders_client_id", "orders", ["client_id", "placed_on"])
    op.create_index("orders_open", "orders", ["order_id"], postgresql_where=sa.text("status = 'open'"))
    op.create_index("orders_placed_by", "orders", ["placed_by"])
    op.create_table(
        "stages",
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("function", sa.Text, nullable=False),
        sa.Column("effort", sa.Float, nullable=False),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("apart", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("held_from", sa.Text),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("employee_id", sa.Text),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("started_on", sa.Date),
        sa.Column("completed_on", sa.Date),
        sa.PrimaryKeyConstraint("order_id", "position"),
    )
    op.create_index("stages_employee_id", "stages", ["employee_id", "order_id"])
    op.create_index("stages_open", "stages", ["employee_id", "function"], postgresql_where=sa.text("open"))
    op.create_table(
        "known_clients",
        sa.Column("client_id", sa.Text, primary_key=True),
        sa.Column("owner_id", sa.Text),
        sa.Column("heard", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.create_table(
        "passes",
        sa.Column("pass_id", sa.Text, primary_key=True),
        sa.Column("employee_id", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("from_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun", sa.Boolean, nullable=False),
        sa.Column("ended", sa.Boolean, nullable=False),
    )
    op.create_index("passes_employee_id", "passes", ["employee_id", "client_id"])
    op.create_index("passes_pending", "passes", ["from_time"], postgresql_where=sa.text("NOT ended"))
