"""Sums over many orders, each in one statement: revenue by client and month, and delivery."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.orders.figures import rules
from services.orders.orders.store import DUE_DAY_SQL, visible_orders_sql
from services.orders.staffing.store import visible_people_sql
from shared.auth import Principal
from shared.database import UnitOfWork
from shared.http.fields import Total


@dataclass(frozen=True, slots=True)
class ClientFigures:
    """Of a period: revenue and number of the orders placed in it, and those delivered in it, and in time."""

    client_id: str
    revenue: Total
    orders: int
    delivered: int
    on_time: int


@dataclass(frozen=True, slots=True)
class DeliveryFigures:
    """`late`: open past the promise. `repeat_orders`: those beyond the first of each client. Cancelled ones do not count."""

    client_id: str | None
    clients: int
    orders: int
    delivered: int
    on_time: int
    on_time_share: float | None
    late: int
    repeat_orders: int


async def list_client_figures(
    work: UnitOfWork, client_ids: Sequence[str], first: date, last: date
) -> list[ClientFigures]:
    """Per client, from the first to the last day."""
    return await work.fetch_all(
        ClientFigures,
        f"""
        SELECT c.client_id, coalesce(sum(o.value) FILTER (WHERE placed), 0) AS revenue,
               count(*) FILTER (WHERE placed) AS orders, count(*) FILTER (WHERE delivered) AS delivered,
               count(*) FILTER (WHERE delivered AND delivered_on <= {DUE_DAY_SQL}) AS on_time
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


async def get_delivery_figures(
    work: UnitOfWork, principal: Principal, is_frozen: bool, client_id: str | None
) -> DeliveryFigures:
    """Over the orders that the caller may see: of one client, or of all."""
    [counts] = await work.fetch_rows(
        f"""
        WITH seen AS (
            SELECT o.* FROM orders o WHERE o.status <> 'cancelled'
            AND (CAST(:client_id AS text) IS NULL OR o.client_id = :client_id) AND {visible_orders_sql(principal, is_frozen)}
        )
        SELECT CAST(:client_id AS text) AS client_id, count(*) AS orders, count(DISTINCT client_id) AS clients,
               count(*) FILTER (WHERE status = 'delivered') AS delivered,
               count(*) FILTER (WHERE status = 'delivered' AND delivered_on <= {DUE_DAY_SQL}) AS on_time,
               count(*) FILTER (WHERE status = 'open' AND {DUE_DAY_SQL} < :today) AS late,
               count(*) - count(DISTINCT client_id) AS repeat_orders
        FROM seen
        """,
        client_id=client_id,
    )
    share = round(counts["on_time"] / counts["delivered"], 4) if counts["delivered"] else None
    return DeliveryFigures(**counts, on_time_share=share)


async def may_see_figures(work: UnitOfWork, principal: Principal, employee_id: str) -> bool:
    seen = f"SELECT true FROM people p WHERE p.employee_id = :id AND {visible_people_sql(principal)}"
    return bool(await work.fetch_value(seen, id=employee_id))


async def list_sales_by_month(work: UnitOfWork, employee_id: str, months: Sequence[str]) -> list[rules.SalesMonth]:
    """Orders in which this person does a `sales` stage, by the month in which they were placed."""
    return await work.fetch_all(
        rules.SalesMonth,
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
        months=months,
    )


async def list_delegable_order_ids(work: UnitOfWork, employee_id: str, limit: int = 100) -> list[str]:
    """Ids of orders in which this person has open stages of other functions than `sales`."""
    return await work.fetch_values(
        """
        SELECT DISTINCT order_id FROM stages WHERE employee_id = :id AND open AND function <> 'sales'
        ORDER BY order_id LIMIT :limit
        """,
        id=employee_id,
        limit=limit,
    )
