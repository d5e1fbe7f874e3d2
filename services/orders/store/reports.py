"""Figures over many orders: lists, workload, open stages, revenue and delivery. Always a fixed number of statements."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from services.orders.domain.curves import Month
from services.orders.store import orders as store
from services.orders.store import sight
from services.orders.store.views import order_view
from shared.auth import Principal
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.paging import Paging
from shared.people.store import heads_person_sql

LATE = "(o.status <> 'cancelled' AND coalesce(o.promised_on, o.planned_on) < coalesce(o.delivered_on, :today))"


async def one(work: UnitOfWork, principal: Principal, frozen: bool, order_id: str) -> dict[str, Any]:
    """Raises `NotFound` also for what the caller may not know about."""
    found = await work.fetch_value(
        f"SELECT 1 FROM orders o WHERE o.order_id = :id AND {sight.visible(principal, frozen)}",
        id=order_id,
        actor=work.actor,
        now=work.now,
    )
    if found is None:
        raise NotFound
    return order_view((await store.load(work, [order_id]))[order_id], work.today)


async def page_of(
    work: UnitOfWork,
    principal: Principal,
    frozen: bool,
    paging: Paging,
    client_id: str | None,
    assignee_id: str | None,
    status: str | None,
    late: bool | None,
) -> list[dict[str, Any]]:
    """Orders by id, as the caller may see them."""
    conditions = [sight.visible(principal, frozen)]
    given: dict[str, Any] = {}
    if paging.after:
        conditions.append("o.order_id > :after")
        given["after"] = paging.after[0]
    if client_id is not None:
        conditions.append("o.client_id = :client_id")
        given["client_id"] = client_id
    if assignee_id is not None:
        conditions.append("o.order_id IN (SELECT order_id FROM stages WHERE employee_id = :assignee_id)")
        given["assignee_id"] = assignee_id
    if status is not None:
        conditions.append("o.status = :status")
        given["status"] = status
    if late is not None:
        conditions.append(LATE if late else f"NOT {LATE}")
        given["today"] = work.today
    rows = await work.fetch_rows(
        f"SELECT o.order_id FROM orders o WHERE {' AND '.join(conditions)} ORDER BY o.order_id LIMIT :fetch",
        fetch=paging.fetch,
        actor=work.actor,
        now=work.now,
        **given,
    )
    orders = await store.load(work, [row["order_id"] for row in rows])
    return [order_view(order, work.today) for order in orders.values()]


async def workload(work: UnitOfWork, principal: Principal, paging: Paging) -> list[dict[str, Any]]:
    """Per employee and function, in id order; first, under no employee, what waits for somebody.

    `load` sums the effort of open stages, `queue` counts those of them that have not been started.
    """
    seen = "true"
    if not principal.has("director", "service"):
        seen = "p.employee_id = :actor" + (f" OR {heads_person_sql('p')}" if principal.has("sales_head") else "")
    nobody = principal.has("director", "service", "sales_head")
    after = paging.after or ("", "")
    rows = await work.fetch_rows(
        f"""
        WITH loads AS (
            SELECT coalesce(employee_id, '') AS employee_id, function, sum(effort) AS load,
                   count(*) FILTER (WHERE coalesce(held_from, status) <> 'started') AS queue
            FROM stages WHERE open GROUP BY 1, 2
        ), capacities AS (
            SELECT p.employee_id, f.key AS function, CAST(f.value AS float) AS capacity
            FROM people p CROSS JOIN LATERAL jsonb_each_text(p.functions) AS f(key, value)
            WHERE p.status IN ('active', 'resigned')
        )
        SELECT employee_id, function, coalesce(load, 0) AS load, coalesce(capacity, 0) AS capacity,
               coalesce(queue, 0) AS queue
        FROM loads FULL JOIN capacities USING (employee_id, function) LEFT JOIN people p USING (employee_id)
        WHERE (employee_id, function) > (:employee_id, :function) AND :actor = :actor
          AND (employee_id = '' AND :nobody OR employee_id <> '' AND ({seen}))
        ORDER BY employee_id, function LIMIT :fetch
        """,
        actor=work.actor,
        nobody=nobody,
        employee_id=after[0],
        function=after[-1],
        fetch=paging.fetch,
    )
    return [
        {
            **row,
            "employee_id": row["employee_id"] or None,
            "over": bool(row["employee_id"]) and row["load"] > row["capacity"],
        }
        for row in rows
    ]


async def loads(work: UnitOfWork) -> Sequence[dict[str, Any]]:
    rows = await work.fetch_rows(
        """
        SELECT employee_id, function, sum(effort) AS load FROM stages
        WHERE open AND employee_id IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
        """
    )
    return [dict(row) for row in rows]


async def open_stages(work: UnitOfWork, employee_id: str) -> list[dict[str, Any]]:
    rows = await work.fetch_rows(
        """
        SELECT s.order_id, o.client_id, s.name AS stage, s.function, s.effort, s.status, s.due_on, s.apart,
               (SELECT coalesce(jsonb_object_agg(t.name, t.employee_id), '{}') FROM stages t
                WHERE t.order_id = s.order_id AND t.position <> s.position AND t.employee_id IS NOT NULL) AS taken
        FROM stages s JOIN orders o ON o.order_id = s.order_id
        WHERE s.employee_id = :id AND s.open ORDER BY s.order_id, s.position
        """,
        id=employee_id,
    )
    return [{**row, "due_on": row["due_on"].isoformat()} for row in rows]


async def figures(work: UnitOfWork, client_ids: Sequence[str], first: date, last: date) -> list[dict[str, Any]]:
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


async def delivery(work: UnitOfWork, principal: Principal, frozen: bool, client_id: str | None) -> dict[str, Any]:
    """Over the orders that the caller may see: of one client, or of all."""
    row = await work.fetch_row(
        f"""
        WITH seen AS (
            SELECT o.* FROM orders o WHERE o.status <> 'cancelled'
            AND (CAST(:client_id AS text) IS NULL OR o.client_id = :client_id) AND {sight.visible(principal, frozen)}
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


async def may_see_person(work: UnitOfWork, principal: Principal, frozen: bool, employee_id: str) -> bool:
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


async def sales_by_month(work: UnitOfWork, employee_id: str, months: Sequence[str]) -> list[Month]:
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
    return [Month(row["month"], row["revenue"], row["orders"]) for row in rows]


async def other_stages(work: UnitOfWork, employee_id: str, limit: int = 100) -> list[str]:
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
