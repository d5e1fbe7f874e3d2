"""Every id that leads to a client, and the surrogates under which the journal names people and clients."""

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from services.clients.metadata import metadata

# Under these the journal names people (`employee`) and clients (`client`); erasure deletes the row.
Table(
    "surrogates",
    metadata,
    Column("id", Text),
    Column("kind", Text),
    Column("surrogate", UUID(as_uuid=True), nullable=False, server_default=text("gen_random_uuid()")),
    PrimaryKeyConstraint("id", "kind"),
    Index("surrogates_surrogate", "surrogate", unique=True),
)
# Every id that leads to a client: those it shows in its profile, and those that it took over from clients merged into it
# (their own under the system `merged`).
Table(
    "external_ids",
    metadata,
    Column("system", Text),
    Column("id", Text),
    Column("client_id", Text, nullable=False),
    PrimaryKeyConstraint("system", "id"),
    Index("external_ids_client_id", "client_id"),
)
