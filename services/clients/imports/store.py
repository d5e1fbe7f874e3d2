"""What each row said the last time it was imported."""

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from shared.database import UnitOfWork, to_columns

RowKind = Literal["interactions", "feedback", "team", "contacts"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ImportedRow(Generic[T]):
    """`client_id` as it was named, later the id behind it; `key` tells it from others of the client.

    `digest` is of all that the row says of the client, which is the `content`.
    """

    client_id: str
    key: str
    digest: bytes
    content: T


def build_imported_row(
    client_id: str, key: str | None, fields: Mapping[str, object], make_content: Callable[[str], T]
) -> ImportedRow[T]:
    """Without a key of its own a row is known again by all that it says. The content is made for the key."""
    text = json.dumps(fields, default=str, sort_keys=True).encode()
    own = key or str(uuid.UUID(bytes=hashlib.sha256(client_id.encode() + b"\n" + text).digest()[:16]))
    return ImportedRow(client_id, own, hashlib.sha256(text).digest(), make_content(own))


async def list_last_digests(
    work: UnitOfWork, kind: RowKind, rows: Sequence[ImportedRow[T]]
) -> dict[tuple[str, str], bytes]:
    """By client and key the digests of those of these rows that were imported before."""
    found = await work.fetch_rows(
        """
        SELECT client_id, key, said FROM imported_rows
        JOIN unnest(CAST(:client_id AS text[]), CAST(:key AS text[])) AS r (client_id, key) USING (client_id, key)
        WHERE kind = :kind
        """,
        kind=kind,
        **to_columns(rows, "client_id", "key"),
    )
    return {(row["client_id"], row["key"]): bytes(row["said"]) for row in found}


async def upsert_digests(work: UnitOfWork, kind: RowKind, rows: Sequence[ImportedRow[T]]) -> None:
    await work.execute(
        """
        INSERT INTO imported_rows (kind, client_id, key, said)
        SELECT :kind, * FROM unnest(CAST(:client_id AS text[]), CAST(:key AS text[]), CAST(:digest AS bytea[]))
        ON CONFLICT (kind, client_id, key) DO UPDATE SET said = excluded.said
        """,
        kind=kind,
        **to_columns(rows, "client_id", "key", "digest"),
    )


async def merge_digests(work: UnitOfWork, client_id: str, into_id: str) -> None:
    """What was imported of the client counts as imported of the other."""
    await work.execute(
        """
        WITH imported AS (
            DELETE FROM imported_rows WHERE client_id = :client_id RETURNING kind, key, said
        )
        INSERT INTO imported_rows (kind, client_id, key, said) SELECT kind, :into_id, key, said FROM imported
        ON CONFLICT DO NOTHING
        """,
        client_id=client_id,
        into_id=into_id,
    )


async def delete_digests(work: UnitOfWork, client_id: str, contact_id: str | None = None) -> None:
    """Of a client that is erased, or of one contact of it."""
    await work.execute(
        """
        DELETE FROM imported_rows WHERE client_id = :client_id
        AND (CAST(:contact_id AS text) IS NULL OR (kind = 'contacts' AND key = :contact_id))
        """,
        client_id=client_id,
        contact_id=contact_id,
    )
