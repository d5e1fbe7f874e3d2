"""Words as they are found: one form of the Greek sigma, and none longer than the database keeps."""

from alembic import op

revision = "clients_0011"
down_revision = "clients_0010"
branch_labels = None
depends_on = None

# As `domain.search.plain` has it. A word of more than 2,046 bytes could not be kept; 500 characters have at most 2,000.
PLAIN = r"""
CREATE OR REPLACE FUNCTION plain(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN length(given) < 160 THEN bare(given)
            ELSE regexp_replace(bare(given), '(\S{250}\S{250})', '\1 ', 'g') END
"""
BARE = r"""
CREATE FUNCTION bare(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(regexp_replace(lower(normalize(given, NFKD) COLLATE "pg_c_utf8"), '[\u0300-\u036f]', '', 'g'), 'ς', 'σ')
"""


def upgrade() -> None:
    op.execute(BARE)
    op.execute(PLAIN)
    op.execute(
        "UPDATE profiles SET name = name WHERE position('ς' IN name) > 0 OR position('ς' IN CAST(contacts AS text)) > 0"
    )
