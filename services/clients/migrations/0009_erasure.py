"""What was erased and when."""

revision = "clients_0009"
down_revision = "clients_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
