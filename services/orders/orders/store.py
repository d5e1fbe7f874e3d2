"""Orders with their stages, many at once or one, always in a fixed number of statements; and which of them the caller may see."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import Any

import asyncpg

from services.orders.orders import rules
from shared.auth import Principal
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.paging import Paging

ORDER_COLUMNS = (
    "order_id",
    "client_id",
    "flow_id",
    "flow_version",
    "value",
    "origin",
    "status",
    "placed_on",
    "promised_on",
    "planned_on",
    "delivered_on",
    "cancelled_on",
    "placed_by",
    "version",
)

ORDER_TYPES = (
    "text",
    "text",
    "text",
    "int",
    "numeric",
    "text",
    "text",
    "date",
    "date",
    "date",
    "date",
    "date",
    "text",
    "bigint",
)

STAGE_COLUMNS = (
    "name",
    "function",
    "effort",
    "days",
    "status",
    "held_from",
    "open",
    "employee_id",
    "starts_on",
    "due_on",
    "started_on",
    "completed_on",
)

STAGE_TYPES = ("text", "text", "float", "int", "text", "text", "bool", "text", "date", "date", "date", "date")


def _unnest(names: Sequence[str], types: Sequence[str]) -> str:
    return "unnest(" + ", ".join(f"CAST(:{name} AS {type}[])" for name, type in zip(names, types, strict=True)) + ")"


UPDATED_ORDER_COLUMNS = (
    "value",
    "origin",
    "status",
    "placed_on",
    "promised_on",
    "delivered_on",
    "cancelled_on",
    "version",
)

UPDATE_ORDERS_SQL = f"""
    UPDATE orders o SET {", ".join(f"{name} = n.{name}" for name in UPDATED_ORDER_COLUMNS)}
    FROM {_unnest(ORDER_COLUMNS, ORDER_TYPES)} AS n({", ".join(ORDER_COLUMNS)}) WHERE o.order_id = n.order_id
"""

UPDATED_STAGE_COLUMNS = (
    "status",
    "held_from",
    "open",
    "employee_id",
    "starts_on",
    "due_on",
    "started_on",
    "completed_on",
)

UPDATE_STAGES_SQL = f"""
    UPDATE stages s SET {", ".join(f"{name} = n.{name}" for name in UPDATED_STAGE_COLUMNS)}
    FROM {_unnest(("order_id", "position", *STAGE_COLUMNS), ("text", "int", *STAGE_TYPES))}
         AS n(order_id, position, {", ".join(STAGE_COLUMNS)})
    WHERE s.order_id = n.order_id AND s.position = n.position
      AND ({", ".join(f"s.{name}" for name in UPDATED_STAGE_COLUMNS)})
          IS DISTINCT FROM ({", ".join(f"n.{name}" for name in UPDATED_STAGE_COLUMNS)})
"""


async def insert_orders(work: UnitOfWork, orders: Sequence[rules.Order], asked: Mapping[str, bytes]) -> None:
    """Inserts orders that were not there when `asked` was read; `asked` is the digest of what each is made from.

    Raises asyncpg.SerializationError where somebody else has placed one of them meanwhile: the transaction is run again.
    """
    try:
        await copy_rows(
            work,
            "orders",
            (*ORDER_COLUMNS, "asked", "placed_at"),
            [(*_order_values(order), asked[order.order_id], work.now) for order in orders],
        )
    except asyncpg.UniqueViolationError:
        raise asyncpg.SerializationError("an order was placed twice at the same time") from None
    await copy_rows(
        work,
        "stages",
        ("order_id", "position", *rules.Stage._fields),
        [(order.order_id, position, *stage) for order in orders for position, stage in enumerate(order.stages)],
    )


async def copy_rows(work: UnitOfWork, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """New rows, by COPY: three times as fast as arrays, and imports bring millions of stages."""
    await work.connection.copy_records_to_table(table, records=rows, columns=list(columns))


async def update_orders(work: UnitOfWork, orders: Sequence[rules.Order]) -> None:
    """Writes orders that were loaded for change."""
    if not orders:
        return
    await work.execute(UPDATE_ORDERS_SQL, **_order_columns(orders))
    await work.execute(
        UPDATE_STAGES_SQL,
        **_stage_columns([(order, n, stage) for order in orders for n, stage in enumerate(order.stages)]),
    )


async def lock_orders(work: UnitOfWork, order_ids: Iterable[str]) -> dict[str, rules.Order]:
    """Orders for change, locked in id order. Locks of people come first."""
    ids = sorted(set(order_ids))
    await work.execute("SELECT 1 FROM orders WHERE order_id = ANY(:ids) ORDER BY order_id FOR UPDATE", ids=ids)
    return await list_orders(work, ids)


async def list_orders(work: UnitOfWork, order_ids: Iterable[str]) -> dict[str, rules.Order]:
    """In the order of the ids; unknown ones are absent."""
    ids = list(order_ids)
    heads = {
        row["order_id"]: row
        for row in await work.fetch_rows(
            f"SELECT {', '.join(ORDER_COLUMNS)} FROM orders WHERE order_id = ANY(:ids)", ids=ids
        )
    }
    stages: dict[str, list[rules.Stage]] = {id: [] for id in heads}
    for row in await work.fetch_rows(
        f"SELECT order_id, apart, {', '.join(STAGE_COLUMNS)} FROM stages WHERE order_id = ANY(:ids) ORDER BY order_id, position",
        ids=ids,
    ):
        if row["order_id"] in stages:
            stages[row["order_id"]].append(
                rules.Stage(**{name: row[name] for name in STAGE_COLUMNS}, apart=tuple(row["apart"]))
            )
    return {id: rules.Order(**heads[id], stages=tuple(stages[id])) for id in ids if id in heads}


async def list_request_digests(work: UnitOfWork, order_ids: Iterable[str]) -> dict[str, bytes]:
    """The digest of what each existing order was last made from."""
    rows = await work.fetch_rows("SELECT order_id, asked FROM orders WHERE order_id = ANY(:ids)", ids=list(order_ids))
    return {row["order_id"]: bytes(row["asked"]) for row in rows}


async def update_request_digests(work: UnitOfWork, digests: Mapping[str, bytes]) -> None:
    await work.execute(
        """
        UPDATE orders o SET asked = n.asked
        FROM unnest(CAST(:ids AS text[]), CAST(:asked AS bytea[])) AS n(id, asked) WHERE o.order_id = n.id
        """,
        ids=list(digests),
        asked=list(digests.values()),
    )


_order_values = attrgetter(*ORDER_COLUMNS)


def _order_columns(orders: Sequence[rules.Order]) -> dict[str, list[Any]]:
    return {name: [getattr(order, name) for order in orders] for name in ORDER_COLUMNS}


def _stage_columns(pairs: Sequence[tuple[rules.Order, int, rules.Stage]]) -> dict[str, list[Any]]:
    return {
        "order_id": [order.order_id for order, _, _ in pairs],
        "position": [position for _, position, _ in pairs],
        **{name: [getattr(stage, name) for _, _, stage in pairs] for name in STAGE_COLUMNS},
    }


OWN_OPEN_ORDERS_SQL = "SELECT order_id FROM stages WHERE employee_id = :actor AND open AND status <> 'held'"

RELEASED_BY_PASS_SQL = f"""o.order_id IN ({OWN_OPEN_ORDERS_SQL}) AND EXISTS (
    SELECT 1 FROM passes q WHERE q.employee_id = :actor AND q.client_id = o.client_id AND NOT q.ended
    AND q.from_time <= :now AND q.until_time > :now)"""

# Sets of ids, each from an index of its own: one row is found by pushing its id into each, a list by going through them.
OWN_ORDERS_SQL = f"""{OWN_OPEN_ORDERS_SQL}
    UNION ALL SELECT s.order_id FROM stages s JOIN people me ON me.employee_id = s.employee_id
              WHERE s.employee_id = :actor AND me.status <> 'left'
              AND s.completed_on >= coalesce(me.hired_on, s.completed_on)
    UNION ALL SELECT b.order_id FROM orders b JOIN people me ON me.employee_id = b.placed_by
              WHERE b.placed_by = :actor AND me.status <> 'left'
              AND b.placed_on >= coalesce(me.hired_on, b.placed_on)"""

HEADED_ORDERS_SQL = """
    UNION ALL SELECT s.order_id FROM heads h JOIN people p ON p.department_id = h.department_id
              JOIN stages s ON s.employee_id = p.employee_id WHERE h.head_id = :actor
    UNION ALL SELECT order_id FROM stages WHERE open AND employee_id IS NULL"""


def visible_orders_sql(principal: Principal, frozen: bool) -> str:
    """The condition; it always mentions `:actor` and `:now`."""
    both = "(:actor = :actor AND CAST(:now AS timestamptz) IS NOT NULL)"
    if frozen:
        return f"({RELEASED_BY_PASS_SQL})"
    if principal.has("director", "service"):
        return both
    return f"o.order_id IN ({OWN_ORDERS_SQL}{HEADED_ORDERS_SQL if principal.has('sales_head') else ''}) AND {both}"


LATE_SQL = "(o.status <> 'cancelled' AND coalesce(o.promised_on, o.planned_on) < coalesce(o.delivered_on, :today))"


async def get_visible_order(work: UnitOfWork, principal: Principal, frozen: bool, order_id: str) -> dict[str, Any]:
    """Raises `NotFound` also for what the caller may not know about."""
    found = await work.fetch_value(
        f"SELECT 1 FROM orders o WHERE o.order_id = :id AND {visible_orders_sql(principal, frozen)}",
        id=order_id,
        actor=work.actor,
        now=work.now,
    )
    if found is None:
        raise NotFound
    return view_order((await list_orders(work, [order_id]))[order_id], work.today)


async def list_visible_orders(
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
    conditions = [visible_orders_sql(principal, frozen)]
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
        conditions.append(LATE_SQL if late else f"NOT {LATE_SQL}")
        given["today"] = work.today
    rows = await work.fetch_rows(
        f"SELECT o.order_id FROM orders o WHERE {' AND '.join(conditions)} ORDER BY o.order_id LIMIT :fetch",
        fetch=paging.fetch,
        actor=work.actor,
        now=work.now,
        **given,
    )
    orders = await list_orders(work, [row["order_id"] for row in rows])
    return [view_order(order, work.today) for order in orders.values()]


async def lock_visible_order(work: UnitOfWork, principal: Principal, frozen: bool, order_id: str) -> rules.Order:
    """Locked for change. Raises `NotFound`."""
    seen = await work.fetch_value(
        f"SELECT 1 FROM orders o WHERE o.order_id = :id AND {visible_orders_sql(principal, frozen)} FOR UPDATE OF o",
        id=order_id,
        actor=work.actor,
        now=work.now,
    )
    if seen is None:
        raise NotFound
    return (await list_orders(work, [order_id]))[order_id]


# A frozen person's open stage is held unless they work here and a `work` pass for its client runs. What a rehired person
# had before is held until it is written through, whatever passes there were. So this one statement freezes, unfreezes and
# follows passes.
HOLD_STAGES_SQL = """
    WITH wanted AS (
        SELECT s.order_id, s.position, p.settling OR (p.frozen AND (p.status = 'left' OR NOT EXISTS (
                   SELECT 1 FROM passes q WHERE q.employee_id = p.employee_id AND q.client_id = o.client_id
                   AND NOT q.ended AND q.from_time <= :now AND q.until_time > :now))) AS held
        FROM people p JOIN stages s ON s.employee_id = p.employee_id AND s.open JOIN orders o ON o.order_id = s.order_id
        WHERE p.employee_id = ANY(:ids)
    ), turned AS (
        UPDATE stages s SET status = CASE WHEN w.held THEN 'held' ELSE s.held_from END,
                            held_from = CASE WHEN w.held THEN s.status END
        FROM wanted w WHERE s.order_id = w.order_id AND s.position = w.position AND (s.status = 'held') <> w.held
        RETURNING s.order_id
    )
    UPDATE orders SET version = version + 1 WHERE order_id IN (SELECT order_id FROM turned)
"""


async def hold_stages(work: UnitOfWork, employee_ids: Iterable[str]) -> None:
    """Holds and releases what must be. The rows of these people are locked by the caller."""
    ids = list(employee_ids)
    await work.execute(
        """
        SELECT 1 FROM orders WHERE order_id IN (SELECT order_id FROM stages WHERE employee_id = ANY(:ids) AND open)
        ORDER BY order_id FOR UPDATE
        """,
        ids=ids,
    )
    await work.execute(HOLD_STAGES_SQL, ids=ids, now=work.now)


# Who wrote why an order was cancelled is not kept: it goes from every order that they placed or had a stage of.
ERASE_CANCEL_REASONS_SQL = """
    UPDATE orders SET cancel_reason = NULL WHERE cancel_reason IS NOT NULL AND (placed_by = :id
    OR order_id IN (SELECT order_id FROM stages WHERE employee_id = :id))
"""


def view_order(order: rules.Order, today: date) -> dict[str, Any]:
    return {
        "id": order.order_id,
        "client_id": order.client_id,
        "flow_id": order.flow_id,
        "flow_version": order.flow_version,
        "value": f"{order.value:.2f}",
        "origin": order.origin,
        "status": order.status,
        "placed_on": _format_day(order.placed_on),
        "promised_on": _format_day(order.promised_on),
        "planned_on": _format_day(order.planned_on),
        "delivered_on": _format_day(order.delivered_on),
        "cancelled_on": _format_day(order.cancelled_on),
        "late": order.is_late(today),
        "version": order.version,
        "stages": [_view_stage(stage) for stage in order.stages],
    }


def _view_stage(stage: rules.Stage) -> dict[str, Any]:
    return {
        "name": stage.name,
        "function": stage.function,
        "effort": stage.effort,
        "days": stage.days,
        "status": stage.status,
        "assignee_id": stage.employee_id,
        "starts_on": _format_day(stage.starts_on),
        "due_on": _format_day(stage.due_on),
        "started_on": _format_day(stage.started_on),
        "completed_on": _format_day(stage.completed_on),
    }


def _format_day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
