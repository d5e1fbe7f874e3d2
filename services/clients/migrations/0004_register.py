"""Clients as other systems know them: their ids, their status, what they may bring."""

revision = "clients_0004"
down_revision = "clients_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
