"""The tables of clients, and the surrogates under which the journal names people and clients."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "clients_0001"
down_revision = None
branch_labels = None
depends_on = None

# In the database, because every statement that writes the journal needs it and most find what they look for.
SURROGATE_OF = """
CREATE FUNCTION surrogate_of(wanted_kind text, wanted_id text) RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
DECLARE found uuid;
BEGIN
    SELECT surrogate INTO found FROM surrogates WHERE id = wanted_id AND kind = wanted_kind;
    IF found IS NULL THEN
        INSERT INTO surrogates (kind, id) VALUES (wanted_kind, wanted_id) ON CONFLICT DO NOTHING;
        SELECT surrogate INTO found FROM surrogates WHERE id = wanted_id AND kind = wanted_kind;
    END IF;
    RETURN found;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "client_orders",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("value", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("placed_on", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id"),
    )
    op.create_index("client_orders_client_id", "client_orders", ["client_id", "placed_on"], unique=False)
    op.create_table(
        "clients",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("surrogate", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("client_id"),
    )
    op.create_index("clients_owner_id", "clients", ["owner_id", "client_id"], unique=False)
    op.create_table(
        "enforced",
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("employee_id", "service"),
    )
    op.create_table(
        "feedback",
        sa.Column("feedback_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("feedback_id"),
    )
    op.create_index("feedback_client_id", "feedback", ["client_id", "at"], unique=False)
    op.create_table(
        "history",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("from_id", sa.Text(), nullable=True),
        sa.Column("to_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("leaf", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "id"),
    )
    op.create_table(
        "interactions",
        sa.Column("interaction_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("interaction_id"),
    )
    op.create_index("interactions_client_id", "interactions", ["client_id", "at"], unique=False)
    op.create_table(
        "journal_pending",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("leaf", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.UUID(), nullable=True),
        sa.Column("employee", sa.UUID(), nullable=True),
        sa.Column("client", sa.UUID(), nullable=True),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("employees", postgresql.ARRAY(sa.UUID()), nullable=True),
        sa.Column("clients", postgresql.ARRAY(sa.UUID()), nullable=True),
        sa.Column("details", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("journal_pending_client", "journal_pending", ["client", "id"], unique=False)
    op.create_index(
        "journal_pending_clients",
        "journal_pending",
        ["clients"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text(
            "clients IS NOT NULL AND kind <> 'client.transferred' AND kind <> 'client.registered'"
        ),
    )
    op.create_index("journal_pending_employee", "journal_pending", ["employee", "id"], unique=False)
    op.create_index("journal_pending_leaf", "journal_pending", ["leaf"], unique=False)
    op.create_index(
        "journal_pending_people",
        "journal_pending",
        ["employees"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("employees IS NOT NULL"),
    )
    op.create_table(
        "last_days",
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("employment_id", sa.Text(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("employee_id", "employment_id"),
    )
    op.create_table(
        "liftings",
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("employee_id"),
    )
    op.create_table(
        "open_stages",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "stage"),
    )
    op.create_index("open_stages_client_id", "open_stages", ["client_id", "employee_id"], unique=False)
    op.create_index("open_stages_employee_id", "open_stages", ["employee_id"], unique=False)
    op.create_table(
        "passes",
        sa.Column("pass_id", sa.Text(), nullable=False),
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("from_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("pass_id"),
    )
    op.create_index("passes_client_id", "passes", ["client_id"], unique=False)
    op.create_index("passes_employee_id", "passes", ["employee_id", "client_id"], unique=False)
    op.create_table(
        "portfolios",
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("clients", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id"),
    )
    op.create_table(
        "profiles",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Numeric(precision=18, scale=2), nullable=True),
        sa.Column("effort", sa.Double(), nullable=False),
        sa.Column("regions", postgresql.JSONB(), nullable=False),
        sa.Column("languages", postgresql.JSONB(), nullable=False),
        sa.Column("contacts", postgresql.JSONB(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("imported", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("client_id"),
    )
    op.create_table(
        "stand_ins",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("stand_in_id", sa.Text(), nullable=True),
        sa.Column("unowned", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("stand_ins_employee_id", "stand_ins", ["employee_id", "id"], unique=False)
    op.create_index("stand_ins_stand_in_id", "stand_ins", ["stand_in_id"], unique=False)
    op.create_table(
        "surrogates",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("surrogate", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.PrimaryKeyConstraint("id", "kind"),
    )
    op.create_index("surrogates_surrogate", "surrogates", ["surrogate"], unique=True)
    op.create_table(
        "team",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("function", sa.Text(), nullable=False),
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "function"),
    )
    op.create_index("team_employee_id", "team", ["employee_id"], unique=False)
    op.execute(SURROGATE_OF)
