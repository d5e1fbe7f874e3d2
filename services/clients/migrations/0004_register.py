"""Clients as other systems know them: their ids, their status, what they may bring. Contacts get an id each."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "clients_0004"
down_revision = "clients_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("profiles", sa.Column("status", sa.Text(), nullable=False, server_default="active"))
    op.add_column("profiles", sa.Column("expected_value", sa.Numeric(18, 2)))
    op.add_column("profiles", sa.Column("external_ids", JSONB(), nullable=False, server_default="{}"))
    op.create_index(
        "profiles_status", "profiles", ["status", "client_id"], postgresql_where=sa.text("status <> 'active'")
    )
    op.create_table(
        "external_ids",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("system", "id"),
    )
    op.create_index("external_ids_client_id", "external_ids", ["client_id"])
    op.execute(
        """
        UPDATE profiles SET contacts = (
            SELECT jsonb_agg(jsonb_build_object('id', gen_random_uuid()) || contact ORDER BY nth)
            FROM jsonb_array_elements(contacts) WITH ORDINALITY AS c (contact, nth))
        WHERE contacts <> '[]'
        """
    )
