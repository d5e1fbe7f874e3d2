"""A sum may have more digits than each of its parts."""

import sqlalchemy as sa
from alembic import op

revision = "clients_0010"
down_revision = "clients_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("client_risks", "risks_computed"):
        op.alter_column(table, "value", type_=sa.Numeric(28, 2), existing_type=sa.Numeric(18, 2))
