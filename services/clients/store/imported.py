"""Rows of an import that tell of clients: who met them, what they said, who serves them, who is there.

Each is compared with what it said the last time it was imported, not with the present: an old file takes back nothing.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from shared.database import UnitOfWork

Kind = Literal["interactions", "feedback", "team", "contacts"]


class Row(NamedTuple):
    """`client_id` as it was named, later the id behind it; `key` tells it from others of the client; `data` is the rest."""

    client_id: str
    key: str
    data: Mapping[str, Any]
    said: bytes


def row(client_id: str, key: str | None, data: Mapping[str, Any]) -> Row:
    """Without a key of its own a row is known again by all that it says."""
    said = json.dumps(data, default=str, sort_keys=True).encode()
    own = key or str(uuid.UUID(bytes=hashlib.sha256(client_id.encode() + b"\n" + said).digest()[:16]))
    return Row(client_id, own, data, hashlib.sha256(said).digest())


async def last(work: UnitOfWork, kind: Kind, rows: Sequence[Row]) -> dict[tuple[str, str], bytes]:
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


async def note(work: UnitOfWork, kind: Kind, rows: Sequence[Row]) -> None:
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


async def erased(work: UnitOfWork, kind: str, ids: Iterable[str], parts: Iterable[str]) -> set[tuple[str, str]]:
    """Who of these has been erased: `kind` employee, or contact with its id as part."""
    found = await work.fetch_rows(
        """
        SELECT id, part FROM erasures JOIN unnest(CAST(:ids AS text[]), CAST(:parts AS text[])) AS r (id, part)
        USING (id, part) WHERE kind = :kind
        """,
        kind=kind,
        ids=list(ids),
        parts=list(parts),
    )
    return {(one["id"], one["part"]) for one in found}


# -- writing -----------------------------------------------------------------------------------------------------------
# Each gives what became of the rows in their order: `created`, `updated`, or `unchanged` where it was so already.

MET = """
    WITH given AS (
        SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:clients AS text[]), CAST(:employees AS text[]),
                             CAST(:kinds AS text[]), CAST(:moments AS timestamptz[]), CAST(:summaries AS text[]))
               WITH ORDINALITY AS g (id, client_id, employee_id, kind, at, summary, nth)
    ), before AS MATERIALIZED (
        SELECT interaction_id AS id FROM interactions WHERE interaction_id = ANY(CAST(:keys AS text[]))
    ), written AS (
        INSERT INTO interactions (interaction_id, client_id, employee_id, kind, at, summary, by_id)
        SELECT id, client_id, employee_id, kind, at, summary, :actor FROM given ORDER BY id
        ON CONFLICT (interaction_id) DO UPDATE SET client_id = excluded.client_id, employee_id = excluded.employee_id,
            kind = excluded.kind, at = excluded.at, summary = excluded.summary, by_id = excluded.by_id
    )
    SELECT CASE WHEN before.id IS NULL THEN 'created' ELSE 'updated' END AS outcome
    FROM given LEFT JOIN before USING (id) ORDER BY nth
"""
SAID = """
    WITH given AS (
        SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:clients AS text[]), CAST(:scores AS int[]),
                             CAST(:moments AS timestamptz[]), CAST(:notes AS text[]))
               WITH ORDINALITY AS g (id, client_id, score, at, note, nth)
    ), before AS MATERIALIZED (
        SELECT feedback_id AS id FROM feedback WHERE feedback_id = ANY(CAST(:keys AS text[]))
    ), written AS (
        INSERT INTO feedback (feedback_id, client_id, score, note, at, by_id)
        SELECT id, client_id, score, note, at, :actor FROM given ORDER BY id
        ON CONFLICT (feedback_id) DO UPDATE SET client_id = excluded.client_id, score = excluded.score,
            note = excluded.note, at = excluded.at, by_id = excluded.by_id
    )
    SELECT CASE WHEN before.id IS NULL THEN 'created' ELSE 'updated' END AS outcome
    FROM given LEFT JOIN before USING (id) ORDER BY nth
"""
PLACED = """
    WITH given AS (
        SELECT * FROM unnest(CAST(:clients AS text[]), CAST(:functions AS text[]), CAST(:employees AS text[]))
               WITH ORDINALITY AS g (client_id, function, employee_id, nth)
    ), before AS MATERIALIZED (
        SELECT t.* FROM team t JOIN given USING (client_id, function)
    ), written AS (
        INSERT INTO team AS t (client_id, function, employee_id)
        SELECT client_id, function, employee_id FROM given ORDER BY client_id, function
        ON CONFLICT (client_id, function) DO UPDATE SET employee_id = excluded.employee_id
        WHERE t.employee_id <> excluded.employee_id RETURNING client_id
    ), bumped AS (
        UPDATE clients SET version = version + 1 WHERE client_id IN (SELECT client_id FROM written)
    )
    SELECT CASE WHEN b.client_id IS NULL THEN 'created' WHEN b.employee_id = g.employee_id THEN 'unchanged'
                ELSE 'updated' END AS outcome
    FROM given g LEFT JOIN before b USING (client_id, function) ORDER BY nth
"""
LISTED = """
    WITH given AS (
        SELECT * FROM unnest(CAST(:clients AS text[]), CAST(:contacts AS text[])) AS g (client_id, contacts)
    ), written AS (
        UPDATE profiles p SET contacts = CAST(g.contacts AS jsonb) FROM given g WHERE p.client_id = g.client_id
    )
    UPDATE clients SET version = version + 1 WHERE client_id IN (SELECT client_id FROM given)
"""


async def write_interactions(work: UnitOfWork, rows: Sequence[Row]) -> list[str]:
    named = {"employees": "employee_id", "kinds": "kind", "moments": "at", "summaries": "summary"}
    return await _write(work, MET, rows, keys=[row.key for row in rows], actor=work.actor, **_columns(rows, named))


async def write_feedback(work: UnitOfWork, rows: Sequence[Row]) -> list[str]:
    named = {"scores": "score", "moments": "at", "notes": "note"}
    return await _write(work, SAID, rows, keys=[row.key for row in rows], actor=work.actor, **_columns(rows, named))


async def write_team(work: UnitOfWork, rows: Sequence[Row]) -> list[str]:
    return await _write(work, PLACED, rows, **_columns(rows, {"functions": "function", "employees": "employee_id"}))


async def holders(work: UnitOfWork, rows: Sequence[Row]) -> set[str]:
    """Who serves these clients in these functions before the rows are written."""
    found = await work.fetch_rows(
        """
        SELECT DISTINCT employee_id FROM team
        JOIN unnest(CAST(:clients AS text[]), CAST(:functions AS text[])) AS r (client_id, function) USING (client_id, function)
        """,
        clients=[row.client_id for row in rows],
        **_columns(rows, {"functions": "function"}),
    )
    return {row["employee_id"] for row in found}


async def write_contacts(work: UnitOfWork, contacts: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """All contacts of these clients."""
    listed = [json.dumps(list(those)) for those in contacts.values()]
    await work.execute(LISTED, clients=list(contacts), contacts=listed)


def _columns(rows: Sequence[Row], named: Mapping[str, str]) -> dict[str, list[Any]]:
    return {name: [row.data[field] for row in rows] for name, field in named.items()}


async def _write(work: UnitOfWork, sql: str, rows: Sequence[Row], **named: Any) -> list[str]:
    return [one["outcome"] for one in await work.fetch_rows(sql, clients=[row.client_id for row in rows], **named)]
