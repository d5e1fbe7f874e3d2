"""The journal as a tree: leaves by month, tiles of hashes, checkpoints, holds."""

import sqlalchemy as sa
from alembic import op

revision = "clients_0002"
down_revision = "clients_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("journal_pending", sa.Column("system", sa.Text()))
