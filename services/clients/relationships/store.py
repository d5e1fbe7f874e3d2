"""Who of us met a client, and what it said of us, newest first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.clients.imports.store import ImportedRow, import_rows_of_kind, row_columns
from services.clients.relationships import rules
from shared.database import UnitOfWork

WEIGHT_CASES_SQL = " ".join(f"WHEN '{kind}' THEN {weight}" for kind, weight in rules.INTERACTION_WEIGHTS.items())
INTERACTION_WEIGHT_SQL = f"CASE kind {WEIGHT_CASES_SQL} ELSE 0 END"


def is_staying_sql(person: str) -> str:
    """Whether somebody of us will be here tomorrow too, as far as one knows."""
    return f"coalesce({person}.status = 'active' AND NOT {person}.frozen, false)"


LIST_ACQUAINTANCES_SQL = f"""
    SELECT i.employee_id, sum({INTERACTION_WEIGHT_SQL}) AS score, coalesce(p.status <> 'left', false) AS employed,
           {is_staying_sql("p")} AS stays,
           count(*) FILTER (WHERE i.kind = 'meeting') AS meetings, count(*) FILTER (WHERE i.kind = 'call') AS calls,
           count(*) FILTER (WHERE i.kind = 'mail') AS mails, max(i.at) AS last_at
    FROM interactions i LEFT JOIN people p ON p.employee_id = i.employee_id
    WHERE i.client_id = :client_id AND i.at > :since AND i.at <= :now
    GROUP BY i.employee_id, p.status, p.frozen ORDER BY score DESC, i.employee_id
"""


async def list_acquaintances(work: UnitOfWork, client_id: str) -> Sequence[Mapping[str, Any]]:
    """Everybody who met the client within twelve months, the best known first."""
    return await work.fetch_rows(
        LIST_ACQUAINTANCES_SQL, client_id=client_id, since=rules.get_year_before(work.now), now=work.now
    )


async def get_acting_owner(work: UnitOfWork, client_id: str) -> tuple[str, bool]:
    """Who has the client in hand, and whether they stay; it exists."""
    row = await work.fetch_row(
        f"""
        SELECT coalesce(o.stand_in_id, c.owner_id) AS owner_id, {is_staying_sql("h")} AS stays
        FROM clients c LEFT JOIN people o ON o.employee_id = c.owner_id
        LEFT JOIN people h ON h.employee_id = coalesce(o.stand_in_id, c.owner_id) WHERE c.client_id = :client_id
        """,
        client_id=client_id,
    )
    assert row is not None  # noqa: S101 - the decision saw it
    return row["owner_id"], row["stays"]


async def list_interactions(
    work: UnitOfWork, client_id: str, after: tuple[datetime, str] | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    return await _list_newest(
        work, "interaction_id", "employee_id, kind, at, summary", "interactions", client_id, after, limit
    )


async def list_feedback(
    work: UnitOfWork, client_id: str, after: tuple[datetime, str] | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    return await _list_newest(work, "feedback_id", "score, note, at", "feedback", client_id, after, limit)


async def _list_newest(
    work: UnitOfWork, id: str, columns: str, table: str, client_id: str, after: tuple[datetime, str] | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    older = f"AND (at, {id}) < (:at, :after)" if after else ""
    return await work.fetch_rows(
        f"""
        SELECT {id} AS id, client_id, {columns} FROM {table} WHERE client_id = :client_id {older}
        ORDER BY at DESC, {id} DESC LIMIT :limit
        """,
        client_id=client_id,
        limit=limit,
        **({"at": after[0], "after": after[1]} if after else {}),
    )


async def insert_interaction(work: UnitOfWork, client_id: str, data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The interaction as noted; None if its id is taken by another."""
    return await work.fetch_row(
        """
        WITH made AS (
            INSERT INTO interactions (interaction_id, client_id, employee_id, kind, at, summary, by_id)
            VALUES (:id, :client_id, :employee_id, :kind, :at, :summary, :by) ON CONFLICT DO NOTHING RETURNING *
        ), found AS (
            SELECT * FROM made UNION ALL
            SELECT * FROM interactions WHERE interaction_id = :id AND (client_id, employee_id, kind, at)
                = (:client_id, :employee_id, :kind, :at) AND summary IS NOT DISTINCT FROM :summary
        )
        SELECT interaction_id AS id, client_id, employee_id, kind, at, summary FROM found LIMIT 1
        """,
        client_id=client_id,
        by=work.actor,
        **data,
    )


async def insert_feedback(work: UnitOfWork, client_id: str, data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The feedback as noted; None if its id is taken by another."""
    return await work.fetch_row(
        """
        WITH made AS (
            INSERT INTO feedback (feedback_id, client_id, score, note, at, by_id)
            VALUES (:id, :client_id, :score, :note, :at, :by) ON CONFLICT DO NOTHING RETURNING *
        ), found AS (
            SELECT * FROM made UNION ALL
            SELECT * FROM feedback WHERE feedback_id = :id AND (client_id, score) = (:client_id, :score)
                AND note IS NOT DISTINCT FROM :note AND at = coalesce(CAST(:said_at AS timestamptz), at)
        )
        SELECT feedback_id AS id, client_id, score, note, at FROM found LIMIT 1
        """,
        client_id=client_id,
        by=work.actor,
        said_at=data["at"],
        **{**data, "at": data["at"] or work.now},
    )


# -- writing -----------------------------------------------------------------------------------------------------------
# Each gives what became of the rows in their order: `created`, `updated`, or `unchanged` where it was so already.

IMPORT_INTERACTIONS_SQL = """
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

IMPORT_FEEDBACK_SQL = """
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


async def import_interactions(work: UnitOfWork, rows: Sequence[ImportedRow]) -> list[str]:
    named = {"employees": "employee_id", "kinds": "kind", "moments": "at", "summaries": "summary"}
    return await import_rows_of_kind(
        work,
        IMPORT_INTERACTIONS_SQL,
        rows,
        keys=[row.key for row in rows],
        actor=work.actor,
        **row_columns(rows, named),
    )


async def import_feedback(work: UnitOfWork, rows: Sequence[ImportedRow]) -> list[str]:
    named = {"scores": "score", "moments": "at", "notes": "note"}
    return await import_rows_of_kind(
        work, IMPORT_FEEDBACK_SQL, rows, keys=[row.key for row in rows], actor=work.actor, **row_columns(rows, named)
    )
