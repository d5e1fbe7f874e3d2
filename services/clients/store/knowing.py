"""Who of us met a client, and what it said of us, newest first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.clients.domain.knowing import year_before
from services.clients.store.risks import WEIGHT, stays
from shared.database import UnitOfWork

KNOWLEDGE = f"""
    SELECT i.employee_id, sum({WEIGHT}) AS score, coalesce(p.status <> 'left', false) AS employed, {stays("p")} AS stays,
           count(*) FILTER (WHERE i.kind = 'meeting') AS meetings, count(*) FILTER (WHERE i.kind = 'call') AS calls,
           count(*) FILTER (WHERE i.kind = 'mail') AS mails, max(i.at) AS last_at
    FROM interactions i LEFT JOIN people p ON p.employee_id = i.employee_id
    WHERE i.client_id = :client_id AND i.at > :since AND i.at <= :now
    GROUP BY i.employee_id, p.status, p.frozen ORDER BY score DESC, i.employee_id
"""


async def knowledge(work: UnitOfWork, client_id: str) -> Sequence[Mapping[str, Any]]:
    """Everybody who met the client within twelve months, the best known first."""
    return await work.fetch_rows(KNOWLEDGE, client_id=client_id, since=year_before(work.now), now=work.now)


async def in_hand(work: UnitOfWork, client_id: str) -> tuple[str, bool]:
    """Who has the client in hand, and whether they stay; it exists."""
    row = await work.fetch_row(
        f"""
        SELECT coalesce(o.stand_in_id, c.owner_id) AS owner_id, {stays("h")} AS stays
        FROM clients c LEFT JOIN people o ON o.employee_id = c.owner_id
        LEFT JOIN people h ON h.employee_id = coalesce(o.stand_in_id, c.owner_id) WHERE c.client_id = :client_id
        """,
        client_id=client_id,
    )
    assert row is not None  # noqa: S101 - the decision saw it
    return row["owner_id"], row["stays"]


async def interactions(
    work: UnitOfWork, client_id: str, after: tuple[datetime, str] | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    return await _newest(
        work, "interaction_id", "employee_id, kind, at, summary", "interactions", client_id, after, limit
    )


async def feedback(
    work: UnitOfWork, client_id: str, after: tuple[datetime, str] | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    return await _newest(work, "feedback_id", "score, note, at", "feedback", client_id, after, limit)


async def _newest(
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
