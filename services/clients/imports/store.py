"""What each row said the last time it was imported."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from shared.database import UnitOfWork

RowKind = Literal["interactions", "feedback", "team", "contacts"]


class ImportedRow(NamedTuple):
    """`client_id` as it was named, later the id behind it; `key` tells it from others of the client; `data` is the rest."""

    client_id: str
    key: str
    data: Mapping[str, Any]
    said: bytes


def build_imported_row(client_id: str, key: str | None, data: Mapping[str, Any]) -> ImportedRow:
    """Without a key of its own a row is known again by all that it says."""
    said = json.dumps(data, default=str, sort_keys=True).encode()
    own = key or str(uuid.UUID(bytes=hashlib.sha256(client_id.encode() + b"\n" + said).digest()[:16]))
    return ImportedRow(client_id, own, data, hashlib.sha256(said).digest())


async def list_last_imported(
    work: UnitOfWork, kind: RowKind, rows: Sequence[ImportedRow]
) -> dict[tuple[str, str], bytes]:
    """What those of these rows said that were imported before."""
    found = await work.fetch_rows(
        """
        SELECT client_id, key, said FROM imported_rows
        JOIN unnest(CAST(:clients AS text[]), CAST(:keys AS text[])) AS r (client_id, key) USING (client_id, key)
        WHERE kind = :kind
        """,
        kind=kind,
        clients=[row.client_id for row in rows],
        keys=[row.key for row in rows],
    )
    return {(one["client_id"], one["key"]): bytes(one["said"]) for one in found}


async def upsert_imported_rows(work: UnitOfWork, kind: RowKind, rows: Sequence[ImportedRow]) -> None:
    await work.execute(
        """
        INSERT INTO imported_rows (kind, client_id, key, said)
        SELECT :kind, * FROM unnest(CAST(:clients AS text[]), CAST(:keys AS text[]), CAST(:said AS bytea[]))
        ON CONFLICT (kind, client_id, key) DO UPDATE SET said = excluded.said
        """,
        kind=kind,
        clients=[row.client_id for row in rows],
        keys=[row.key for row in rows],
        said=[row.said for row in rows],
    )


def row_columns(rows: Sequence[ImportedRow], named: Mapping[str, str]) -> dict[str, list[Any]]:
    return {name: [row.data[field] for row in rows] for name, field in named.items()}


async def import_rows_of_kind(work: UnitOfWork, sql: str, rows: Sequence[ImportedRow], **named: Any) -> list[str]:
    return [one["outcome"] for one in await work.fetch_rows(sql, clients=[row.client_id for row in rows], **named)]
