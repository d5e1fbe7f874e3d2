"""The journal as a tree: leaves by month, tiles of hashes, checkpoints, holds."""

revision = "clients_0002"
down_revision = "clients_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
