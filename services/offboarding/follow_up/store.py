"""The figures of transferred clients, case by case."""

import json
from collections.abc import Sequence
from datetime import date

from services.offboarding.follow_up.rules import FollowUp
from services.offboarding.moves.rules import MovedClient
from services.offboarding.permissions.rules import Viewer
from services.offboarding.permissions.store import IS_HEAD, viewer_parameters
from services.offboarding.portfolios.rules import ClientFigures
from shared.database import UnitOfWork
from shared.paging import Paging, UnknownCursor
from shared.records import get_fields


async def delete_follow_ups(work: UnitOfWork, case_id: str) -> None:
    await work.execute("DELETE FROM followups WHERE case_id = :id", id=case_id)


async def insert_follow_ups(
    work: UnitOfWork,
    case_id: str,
    since: date,
    until: date,
    clients: Sequence[MovedClient],
    figures: Sequence[ClientFigures],
    figures_before: Sequence[ClientFigures],
) -> None:
    """Figures of both times side by side; a client of which nothing is known has zeroes."""
    shape = "(client_id text, revenue numeric, orders int, delivered int, on_time int)"
    await work.execute(
        f"""
        INSERT INTO followups (case_id, client_id, successor_id, since, until, revenue, revenue_before, orders, orders_before,
                               delivered, delivered_before, on_time, on_time_before)
        SELECT :id, c.client_id, c.to_id, :since, :until, coalesce(n.revenue, 0), coalesce(b.revenue, 0),
               coalesce(n.orders, 0), coalesce(b.orders, 0), coalesce(n.delivered, 0), coalesce(b.delivered, 0),
               coalesce(n.on_time, 0), coalesce(b.on_time, 0)
        FROM jsonb_to_recordset(CAST(:clients AS jsonb)) AS c (client_id text, to_id text)
        LEFT JOIN jsonb_to_recordset(CAST(:figures AS jsonb)) AS n {shape} ON n.client_id = c.client_id
        LEFT JOIN jsonb_to_recordset(CAST(:figures_before AS jsonb)) AS b {shape} ON b.client_id = c.client_id
        """,
        id=case_id,
        since=since,
        until=until,
        clients=json.dumps(clients, default=get_fields),
        figures=json.dumps(figures, default=get_fields),
        figures_before=json.dumps(figures_before, default=get_fields),
    )


async def list_follow_ups(work: UnitOfWork, viewer: Viewer, paging: Paging, case_id: str | None) -> list[FollowUp]:
    """A page for the successors, the head of sales or a director. Raises `UnknownCursor`."""
    after = paging.after or (None, None)
    if len(after) != 2:
        raise UnknownCursor
    return await work.fetch_all(
        FollowUp,
        f"""
        SELECT f.* FROM followups f JOIN cases c ON c.id = f.case_id
        WHERE (:director OR {IS_HEAD} OR f.successor_id = :actor AND NOT :frozen)
        AND (CAST(:case_id AS text) IS NULL OR f.case_id = :case_id)
        AND (CAST(:after AS text) IS NULL OR (f.case_id, f.client_id) > (:after, :after_client))
        ORDER BY f.case_id, f.client_id LIMIT :fetch
        """,
        **viewer_parameters(work, viewer),
        case_id=case_id,
        after=after[0],
        after_client=after[1],
        fetch=paging.fetch,
    )
