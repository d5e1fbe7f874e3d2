"""The copy of policies and of who acknowledged them."""

revision = "clients_0008"
down_revision = "clients_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
