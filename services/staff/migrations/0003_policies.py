"""Policies, their versions, and who acknowledged which."""

revision = "staff_0003"
down_revision = "staff_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
