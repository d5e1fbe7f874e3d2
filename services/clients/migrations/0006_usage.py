"""What was really used, as other systems report it."""

revision = "clients_0006"
down_revision = "clients_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
