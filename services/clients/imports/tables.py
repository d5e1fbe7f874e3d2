"""What imported rows said."""

from sqlalchemy import Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text

from services.clients.metadata import metadata

# What the row said that was imported last, of a kind and client: an import is compared with it, not with the present.
Table(
    "imported_rows",
    metadata,
    Column("kind", Text),
    Column("client_id", Text),
    Column("key", Text),
    Column("said", LargeBinary, nullable=False),
    PrimaryKeyConstraint("kind", "client_id", "key"),
    Index("imported_rows_client_id", "client_id"),
)
