"""The limit of exports, and who lifts it for a day."""

revision = "clients_0003"
down_revision = "clients_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
