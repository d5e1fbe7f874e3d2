"""Since when somebody has a policy to acknowledge."""

import sqlalchemy as sa
from alembic import op

revision = "people_0002"
down_revision = "people_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("unacknowledged_from", sa.Date()))
