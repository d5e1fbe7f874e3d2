"""Clients by words, mail and phone."""

revision = "clients_0007"
down_revision = "clients_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
