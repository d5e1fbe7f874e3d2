"""How well we know each client, and what hangs on one person alone."""

revision = "clients_0005"
down_revision = "clients_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
