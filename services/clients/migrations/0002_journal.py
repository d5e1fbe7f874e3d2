"""The journal as a tree: leaves by month, tiles of hashes, checkpoints, holds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "clients_0002"
down_revision = "clients_0001"
branch_labels = None
depends_on = None


# The one form of a leaf: what is hashed is byte for byte what is exported. Text by hand, so that the fields stand in one
# order without what is empty; within `details` the order is that of PostgreSQL's jsonb, which its versions have kept.
LEAF_TEXT = """
CREATE FUNCTION leaf_text(leaf uuid, at timestamptz, kind text, actor uuid, employee uuid, client uuid, action text,
                          reason text, system text, employees uuid[], clients uuid[], details jsonb)
RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN '{"leaf":"' || leaf || '","at":"' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '","kind":' || CAST(to_json(kind) AS text)
    || coalesce(',"actor":"' || actor || '"', '') || coalesce(',"employee":"' || employee || '"', '')
    || coalesce(',"client":"' || client || '"', '') || coalesce(',"action":' || to_json(action), '')
    || coalesce(',"reason":' || to_json(reason), '') || coalesce(',"system":' || to_json(system), '')
    || coalesce(',"employees":' || to_json(employees), '') || coalesce(',"clients":' || to_json(clients), '')
    || coalesce(',"details":' || CAST(details AS text), '') || '}'
"""
COLUMNS = "id, leaf, at, kind, actor, employee, client, action, reason, system, employees, clients, details"
ENTRIES = f"""
CREATE VIEW journal_entries AS
SELECT index, {COLUMNS} FROM journal UNION ALL SELECT NULL, {COLUMNS} FROM journal_pending
"""


def upgrade() -> None:
    op.add_column("journal_pending", sa.Column("system", sa.Text()))
    for name in ("leaf", "employee", "client", "clients", "people"):
        op.drop_index(f"journal_pending_{name}", "journal_pending")
    op.create_table(
        "journal",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("index", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.UUID()),
        sa.Column("employee", sa.UUID()),
        sa.Column("client", sa.UUID()),
        sa.Column("action", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("system", sa.Text()),
        sa.Column("employees", postgresql.ARRAY(sa.UUID())),
        sa.Column("clients", postgresql.ARRAY(sa.UUID())),
        sa.Column("details", postgresql.JSONB()),
        sa.PrimaryKeyConstraint("index", "month"),
        postgresql_partition_by="RANGE (month)",
    )
    op.create_index("journal_id", "journal", ["id"])
    op.create_index("journal_leaf", "journal", ["leaf"])
    op.create_index("journal_employee", "journal", ["employee", "id"])
    op.create_index("journal_client", "journal", ["client", "id"])
    op.create_index("journal_at", "journal", ["at"], postgresql_using="brin")
    op.create_index(
        "journal_clients",
        "journal",
        ["clients"],
        postgresql_using="gin",
        postgresql_where=sa.text(
            "clients IS NOT NULL AND kind <> 'client.transferred' AND kind <> 'client.registered'"
        ),
    )
    op.create_index(
        "journal_people",
        "journal",
        ["employees"],
        postgresql_using="gin",
        postgresql_where=sa.text("employees IS NOT NULL"),
    )
    op.create_table(
        "journal_months",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("month"),
    )
    op.create_table(
        "journal_holds",
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("employee_id"),
    )
    op.create_table(
        "journal_tiles",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "n"),
    )
    op.create_table(
        "journal_tree",
        sa.Column("one", sa.Boolean(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("one"),
    )
    op.execute("INSERT INTO journal_tree (one, size, frontier) VALUES (true, 0, '')")
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("file_at", sa.DateTime(timezone=True)),
        sa.Column("webhook_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("size"),
    )
    op.execute(LEAF_TEXT)
    op.execute(ENTRIES)
