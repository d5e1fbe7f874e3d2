"""Sums over many orders, each in one statement: revenue by client and month, and delivery."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from services.orders.figures import rules
from services.orders.orders.store import visible_orders_sql
from shared.auth import Principal
from shared.database import UnitOfWork
from shared.people.store import heads_person_sql


async def list_client_figures(
    work: UnitOfWork, client_ids: Sequence[str], first: date, last: date
) -> list[dict[str, Any]]:
    """Per client: revenue and number of the orders placed in these days, and those delivered in them, and in time."""
    rows = await work.fetch_rows(
        """
        SELECT c.client_id, to_char(coalesce(sum(o.value) FILTER (WHERE placed), 0), 'FM999999999999999999990.00') AS revenue,
               count(*) FILTER (WHERE placed) AS orders, count(*) FILTER (WHERE delivered) AS delivered,
               count(*) FILTER (WHERE delivered AND delivered_on <= coalesce(promised_on, planned_on)) AS on_time
        FROM unnest(CAST(:ids AS text[])) WITH ORDINALITY AS c(client_id, nth)
        LEFT JOIN LATERAL (
            SELECT value, delivered_on, promised_on, planned_on, placed_on BETWEEN :first AND :last AS placed,
                   coalesce(delivered_on BETWEEN :first AND :last, false) AS delivered
            FROM orders WHERE client_id = c.client_id AND status <> 'cancelled'
        ) o ON true
        GROUP BY c.client_id, c.nth ORDER BY c.nth
        """,
        ids=client_ids,
        first=first,
        last=last,
    )
    return [dict(row) for row in rows]


async def get_delivery(work: UnitOfWork, principal: Principal, frozen: bool, client_id: str | None) -> dict[str, Any]:
    """Over the orders that the caller may see: of one client, or of all."""
    row = await work.fetch_row(
        f"""
        WITH seen AS (
            SELECT o.* FROM orders o WHERE o.status <> 'cancelled'
            AND (CAST(:client_id AS text) IS NULL OR o.client_id = :client_id) AND {visible_orders_sql(principal, frozen)}
        )
        SELECT count(*) AS orders, count(DISTINCT client_id) AS clients,
               count(*) FILTER (WHERE status = 'delivered') AS delivered,
               count(*) FILTER (WHERE status = 'delivered'
                                AND delivered_on <= coalesce(promised_on, planned_on)) AS on_time,
               count(*) FILTER (WHERE status = 'open' AND coalesce(promised_on, planned_on) < :today) AS late,
               count(*) - count(DISTINCT client_id) AS repeat_orders
        FROM seen
        """,
        client_id=client_id,
        actor=work.actor,
        now=work.now,
        today=work.today,
    )
    assert row is not None  # noqa: S101 - an aggregate always has a row
    share = row["on_time"] / row["delivered"] if row["delivered"] else None
    return {**row, "client_id": client_id, "on_time_share": None if share is None else round(share, 4)}


async def may_see_figures(work: UnitOfWork, principal: Principal, frozen: bool, employee_id: str) -> bool:
    """Their figures: their own, those of the people whom they head, or all."""
    if frozen:
        return False
    if principal.has("director", "service"):
        seen = "true"
    elif principal.has("sales_head"):
        seen = f"p.employee_id = :actor OR {heads_person_sql('p')}"
    else:
        seen = "p.employee_id = :actor"
    found = await work.fetch_value(
        f"SELECT 1 FROM people p WHERE p.employee_id = :id AND ({seen}) AND :actor = :actor",
        id=employee_id,
        actor=work.actor,
    )
    return found is not None


async def list_sales_by_month(work: UnitOfWork, employee_id: str, months: Sequence[str]) -> list[rules.SalesMonth]:
    """Orders in which this person does a `sales` stage, by the month in which they were placed."""
    rows = await work.fetch_rows(
        """
        SELECT m.month, coalesce(sum(o.value), 0) AS revenue, count(o.order_id) AS orders
        FROM unnest(CAST(:months AS text[])) WITH ORDINALITY AS m(month, nth)
        LEFT JOIN (
            SELECT o.order_id, o.value, to_char(o.placed_on, 'YYYY-MM') AS month FROM orders o
            WHERE o.status <> 'cancelled' AND o.order_id IN (
                SELECT order_id FROM stages WHERE employee_id = :id AND function = 'sales')
        ) o ON o.month = m.month
        GROUP BY m.month, m.nth ORDER BY m.nth
        """,
        id=employee_id,
        months=list(months),
    )
    return [rules.SalesMonth(row["month"], row["revenue"], row["orders"]) for row in rows]


async def list_delegable_orders(work: UnitOfWork, employee_id: str, limit: int = 100) -> list[str]:
    """Orders in which this person has open stages of other functions than `sales`."""
    rows = await work.fetch_rows(
        """
        SELECT DISTINCT order_id FROM stages WHERE employee_id = :id AND open AND function <> 'sales'
        ORDER BY order_id LIMIT :limit
        """,
        id=employee_id,
        limit=limit,
    )
    return [row["order_id"] for row in rows]
