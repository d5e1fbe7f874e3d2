"""How well we know each client, and what hangs on one person alone."""

import sqlalchemy as sa
from alembic import op

revision = "clients_0005"
down_revision = "clients_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "client_risks",
        sa.Column("client_id", sa.Text(), primary_key=True),
        sa.Column("value", sa.Numeric(18, 2), nullable=False),
        sa.Column("known_by", sa.Integer(), nullable=False),
        sa.Column("alone_id", sa.Text()),
        sa.Column("why", sa.Text()),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_id", sa.Text()),
    )
    alone = sa.text("alone_id IS NOT NULL")
    op.create_index("client_risks_value", "client_risks", [sa.desc("value"), "client_id"], postgresql_where=alone)
    op.create_index(
        "client_risks_alone_id", "client_risks", ["alone_id", sa.desc("value"), "client_id"], postgresql_where=alone
    )
    op.create_table(
        "risks_computed",
        sa.Column("one", sa.Boolean(), primary_key=True, server_default="true"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("clients", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Numeric(18, 2), nullable=False),
    )
    op.create_table(
        "imported_rows",
        sa.Column("kind", sa.Text()),
        sa.Column("client_id", sa.Text()),
        sa.Column("key", sa.Text()),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "client_id", "key"),
    )
    op.create_index("imported_rows_client_id", "imported_rows", ["client_id"])
