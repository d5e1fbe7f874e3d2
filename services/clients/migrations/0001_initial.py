"""Initial."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.migrations import run_statements

revision = "clients_0001"
down_revision = "people_0001"

FUNCTIONS = r"""-- The one form of a leaf: what is hashed is byte for byte what is exported. Text by hand, so that the fields stand
-- in one order without what is empty; within `details` the order is that of PostgreSQL's jsonb, which its versions have
-- kept.
CREATE OR REPLACE FUNCTION leaf_text(leaf uuid, at timestamptz, kind text, actor uuid, employee uuid, client uuid, action text,
                          reason text, system text, employees uuid[], clients uuid[], details jsonb)
RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN '{"leaf":"' || leaf || '","at":"' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '","kind":' || CAST(to_json(kind) AS text)
    || coalesce(',"actor":"' || actor || '"', '') || coalesce(',"employee":"' || employee || '"', '')
    || coalesce(',"client":"' || client || '"', '') || coalesce(',"action":' || to_json(action), '')
    || coalesce(',"reason":' || to_json(reason), '') || coalesce(',"system":' || to_json(system), '')
    || coalesce(',"employees":' || to_json(employees), '') || coalesce(',"clients":' || to_json(clients), '')
    || coalesce(',"details":' || CAST(details AS text), '') || '}';
-- In the database, because a check asks for it in its own statement, and each of its statements must see what others did
-- before it had the lock. A client that was counted today is never refused. `base` may be exceeded by what was granted.
CREATE OR REPLACE FUNCTION within_export_limit(who text, on_day date, wanted text[], base bigint, counting boolean) RETURNS text[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    counted bigint;
    most bigint;
    known text[];
    fresh text[];
    wished bigint;
BEGIN
    IF counting THEN
        INSERT INTO export_days (employee_id, day) VALUES (who, on_day) ON CONFLICT DO NOTHING;
        PERFORM 1 FROM export_days WHERE employee_id = who AND day = on_day FOR UPDATE;
    END IF;
    SELECT coalesce(max(clients), 0) INTO counted FROM export_days WHERE employee_id = who AND day = on_day;
    SELECT CASE WHEN bool_or(clients IS NULL) THEN NULL ELSE base + coalesce(sum(clients), 0) END INTO most
    FROM export_grants WHERE employee_id = who AND day = on_day AND withdrawn_at IS NULL;
    SELECT coalesce(array_agg(client_id), '{}') INTO known
    FROM exported WHERE employee_id = who AND day = on_day AND client_id = ANY(wanted);
    SELECT count(*), coalesce(array_agg(id ORDER BY place) FILTER (WHERE most IS NULL OR counted + place <= most), '{}')
    INTO wished, fresh
    FROM (SELECT id, row_number() OVER (ORDER BY min(nth)) AS place
          FROM unnest(wanted) WITH ORDINALITY AS w (id, nth)
          LEFT JOIN unnest(known) AS k (known_id) ON known_id = id
          WHERE known_id IS NULL GROUP BY id) new;
    IF counting THEN
        INSERT INTO exported (employee_id, day, client_id) SELECT who, on_day, unnest(fresh);
        UPDATE export_days SET clients = counted + cardinality(fresh),
            reached = CASE WHEN wished > cardinality(fresh) THEN most ELSE reached END
        WHERE employee_id = who AND day = on_day AND wished > 0;
    END IF;
    RETURN known || fresh;
END $$;
-- In the database, because every statement that writes the journal needs it and most find what they look for.
CREATE OR REPLACE FUNCTION surrogate_of(wanted_kind text, wanted_id text) RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
DECLARE found uuid;
BEGIN
    SELECT surrogate INTO found FROM surrogates WHERE id = wanted_id AND kind = wanted_kind;
    IF found IS NULL THEN
        INSERT INTO surrogates (kind, id) VALUES (wanted_kind, wanted_id) ON CONFLICT DO NOTHING;
        SELECT surrogate INTO found FROM surrogates WHERE id = wanted_id AND kind = wanted_kind;
    END IF;
    RETURN found;
END $$;
-- Lower case, without accents, one form of the Greek sigma: as the rule for words in Python has it, with a collation that no
-- server's locale changes.
CREATE OR REPLACE FUNCTION bare(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(regexp_replace(lower(normalize(given, NFKD) COLLATE "pg_c_utf8"), '[\u0300-\u036f]', '', 'g'), 'ς', 'σ');
-- A word of more than 2,046 bytes could not be kept; 500 characters have at most 2,000.
CREATE OR REPLACE FUNCTION plain(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN length(given) < 160 THEN bare(given)
            ELSE regexp_replace(bare(given), '(\S{250}\S{250})', '\1 ', 'g') END;
CREATE OR REPLACE FUNCTION phones(contacts jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(replace(CAST(jsonb_path_query_array(contacts, '$[*].phone') AS text), '(0)', ''), '[^0-9,]', '', 'g');
-- No sets in it, for every row that is written pays for it: names, mails and phones of the contacts are taken as the text of
-- a JSON array, whose brackets, quotes and commas part words as well as blanks do. A phone number is kept from its first
-- digit (`=`) and from its last (`#`), without leading zeros.
CREATE OR REPLACE FUNCTION search_terms(name text, contacts jsonb) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_to_tsvector(array_remove(
    regexp_split_to_array(plain(name || CAST(jsonb_path_query_array(contacts, '$[*].name') AS text)
                                     || CAST(jsonb_path_query_array(contacts, '$[*].email') AS text)),
                          '[^[:alnum:]]+' COLLATE "pg_c_utf8")
    || CASE WHEN contacts <> '[]' THEN
        string_to_array(translate(plain(CAST(jsonb_path_query_array(contacts, '$[*].email') AS text)), '[]",', '   '), ' ')
        || array_remove(string_to_array(regexp_replace(phones(contacts), '(^|,)0*', '\1=', 'g'), ','), '=')
        || array_remove(string_to_array(reverse(regexp_replace(phones(contacts), '(^|,)0*([0-9]*)', '\1\2#', 'g')), ','), '#')
    END
    || CASE WHEN name LIKE '%@%' THEN string_to_array(plain(name), ' ') END,
    ''));
-- Words that a client must have, or have begun: the database parts words here as it does there.
CREATE OR REPLACE FUNCTION words_query(given text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CAST(replace(trim(regexp_replace(plain(given), '[^[:alnum:]]+' COLLATE "pg_c_utf8", ' ', 'g')), ' ', ':* & ')
            || CASE WHEN given ~ '[[:alnum:]]' COLLATE "pg_c_utf8" THEN ':*' ELSE '' END AS tsquery);
"""
TABLES = r"""-- All entries: those of the tree, and those that wait for the sequencer.
CREATE OR REPLACE VIEW journal_entries AS
SELECT index, id, leaf, at, kind, actor, employee, client, action, reason, system, employees, clients, details
FROM journal
UNION ALL
SELECT NULL, id, leaf, at, kind, actor, employee, client, action, reason, system, employees, clients, details
FROM journal_pending;
-- The one row that whoever is the sequencer locks.
INSERT INTO journal_tree (one, size, frontier) VALUES (true, 0, '') ON CONFLICT DO NOTHING;
"""


def upgrade() -> None:
    run_statements(op.get_bind(), FUNCTIONS)
    op.create_table(
        "acknowledged",
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("employment_id", sa.Text(), nullable=False),
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("employee_id", "employment_id", "policy_id"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("file_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("webhook_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("size"),
    )
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
        "client_risks",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("value", sa.Numeric(precision=28, scale=2), nullable=False),
        sa.Column("known_by", sa.Integer(), nullable=False),
        sa.Column("alone_id", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("client_id"),
    )
    op.create_index(
        "client_risks_alone_id",
        "client_risks",
        ["alone_id", sa.literal_column("value DESC"), "client_id"],
        unique=False,
        postgresql_where=sa.text("alone_id IS NOT NULL"),
    )
    op.create_index(
        "client_risks_value",
        "client_risks",
        [sa.literal_column("value DESC"), "client_id"],
        unique=False,
        postgresql_where=sa.text("alone_id IS NOT NULL"),
    )
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
        "erasures",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("what", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", "part"),
    )
    op.create_table(
        "export_days",
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("clients", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reached", sa.BigInteger(), nullable=True),
        sa.Column("told", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("employee_id", "day"),
    )
    op.create_index(
        "export_days_untold",
        "export_days",
        ["employee_id", "day"],
        unique=False,
        postgresql_where=sa.text("reached IS DISTINCT FROM told"),
    )
    op.create_table(
        "export_grants",
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("clients", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("grant_id"),
    )
    op.create_index("export_grants_employee_id", "export_grants", ["employee_id", "day"], unique=False)
    op.create_table(
        "exported",
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("employee_id", "day", "client_id"),
    )
    op.create_index("exported_day", "exported", ["day"], unique=False, postgresql_using="brin")
    op.create_table(
        "external_ids",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("system", "id"),
    )
    op.create_index("external_ids_client_id", "external_ids", ["client_id"], unique=False)
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
        "imported_rows",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "client_id", "key"),
    )
    op.create_index("imported_rows_client_id", "imported_rows", ["client_id"], unique=False)
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
        "journal",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("index", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.UUID(), nullable=True),
        sa.Column("employee", sa.UUID(), nullable=True),
        sa.Column("client", sa.UUID(), nullable=True),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("system", sa.Text(), nullable=True),
        sa.Column("employees", postgresql.ARRAY(sa.UUID()), nullable=True),
        sa.Column("clients", postgresql.ARRAY(sa.UUID()), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("index", "month"),
        postgresql_partition_by="RANGE (month)",
    )
    op.create_index("journal_at", "journal", ["at"], unique=False, postgresql_using="brin")
    op.create_index("journal_client", "journal", ["client", "id"], unique=False)
    op.create_index(
        "journal_clients",
        "journal",
        ["clients"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text(
            "clients IS NOT NULL AND kind <> 'client.transferred' AND kind <> 'client.registered'"
        ),
    )
    op.create_index("journal_employee", "journal", ["employee", "id"], unique=False)
    op.create_index("journal_id", "journal", ["id"], unique=False)
    op.create_index("journal_leaf", "journal", ["leaf"], unique=False)
    op.create_index(
        "journal_people",
        "journal",
        ["employees"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("employees IS NOT NULL"),
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
        "journal_months",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("month"),
    )
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
        sa.Column("system", sa.Text(), nullable=True),
        sa.Column("employees", postgresql.ARRAY(sa.UUID()), nullable=True),
        sa.Column("clients", postgresql.ARRAY(sa.UUID()), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id"),
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
        sa.Column("roles", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("employee_id"),
    )
    op.create_table(
        "notices",
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("employment_id", sa.Text(), nullable=False),
        sa.Column("notice_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("employee_id", "employment_id"),
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
        "policy_versions",
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("grace_days", sa.Integer(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("applies_to", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("policy_id", "version"),
    )
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
        sa.Column("regions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("languages", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("contacts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("imported", sa.LargeBinary(), nullable=True),
        sa.Column(
            "terms", postgresql.TSVECTOR(), sa.Computed("search_terms(name, contacts)", persisted=True), nullable=True
        ),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("expected_value", sa.Numeric(precision=18, scale=2), nullable=True),
        sa.Column("external_ids", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("client_id"),
    )
    op.create_index(
        "profiles_status",
        "profiles",
        ["status", "client_id"],
        unique=False,
        postgresql_where=sa.text("status <> 'active'"),
    )
    op.create_index("profiles_terms", "profiles", ["terms"], unique=False, postgresql_using="gin")
    op.create_table(
        "risks_computed",
        sa.Column("one", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("clients", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Numeric(precision=28, scale=2), nullable=False),
        sa.PrimaryKeyConstraint("one"),
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
    op.create_table(
        "usage",
        sa.Column("item", sa.UUID(), nullable=False),
        sa.Column("employee_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("item"),
    )
    op.create_index("usage_at", "usage", ["at"], unique=False, postgresql_using="brin")
    op.create_index("usage_employee_id", "usage", ["employee_id", "at"], unique=False)
    op.create_table(
        "usage_systems",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("system"),
    )
    run_statements(op.get_bind(), TABLES)
