"""Orders with their stages, many at once or one, always in a fixed number of statements; and which of them the caller may see."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Literal

import asyncpg
from sqlalchemy import Table

from services.orders.orders import rules, tables
from shared.auth import Principal
from shared.database import DIALECT, UnitOfWork, to_columns
from shared.errors import NotFound
from shared.paging import Paging
from shared.people.store import heads_person_sql

ORDER_COLUMNS = tuple(field for field in rules.Order._fields if field != "stages")
STAGE_COLUMNS = rules.Stage._fields
ORDER_CHANGES = ("value", "origin", "status", "placed_on", "promised_on", "delivered_on", "cancelled_on", "version")
STAGE_CHANGES = ("status", "held_from", "open", "employee_id", "starts_on", "due_on", "started_on", "completed_on")


def _unnest_sql(table: Table, *columns: str) -> str:
    """A parameter for each column, an array of its values, as rows `new`."""
    arrays = (f"CAST(:{name} AS {table.c[name].type.compile(dialect=DIALECT)}[])" for name in columns)
    return f"unnest({', '.join(arrays)}) AS new ({', '.join(columns)})"


def _assign_new_sql(columns: Sequence[str]) -> str:
    return ", ".join(f"{name} = new.{name}" for name in columns)


UPDATE_ORDERS_SQL = f"""
    UPDATE orders o SET {_assign_new_sql(ORDER_CHANGES)}
    FROM {_unnest_sql(tables.orders, "order_id", *ORDER_CHANGES)} WHERE o.order_id = new.order_id
"""
UPDATE_STAGES_SQL = f"""
    UPDATE stages s SET {_assign_new_sql(STAGE_CHANGES)}
    FROM {_unnest_sql(tables.stages, "order_id", "position", *STAGE_CHANGES)}
    WHERE s.order_id = new.order_id AND s.position = new.position
      AND ({", ".join(f"s.{name}" for name in STAGE_CHANGES)})
          IS DISTINCT FROM ({", ".join(f"new.{name}" for name in STAGE_CHANGES)})
"""

# -- orders by id ------------------------------------------------------------------------------------------------------


async def list_orders(work: UnitOfWork, order_ids: Iterable[str]) -> dict[str, rules.Order]:
    """In the order of the ids; unknown ones are absent."""
    ids = list(order_ids)
    order_rows = await work.fetch_rows(
        f"SELECT {', '.join(ORDER_COLUMNS)} FROM orders WHERE order_id = ANY(:ids)", ids=ids
    )
    stage_rows = await work.fetch_rows(
        f"""
        SELECT order_id, {", ".join(STAGE_COLUMNS)} FROM stages WHERE order_id = ANY(:ids) ORDER BY order_id, position
        """,
        ids=ids,
    )
    stages: dict[str, list[rules.Stage]] = {row["order_id"]: [] for row in order_rows}
    for row in stage_rows:
        if row["order_id"] in stages:  # an order that was placed between the two statements is absent
            values = {name: row[name] for name in STAGE_COLUMNS}
            stages[row["order_id"]].append(rules.Stage(**values | {"apart": tuple(row["apart"])}))
    orders = {row["order_id"]: rules.Order(**row, stages=tuple(stages[row["order_id"]])) for row in order_rows}
    return {id: orders[id] for id in ids if id in orders}


async def lock_orders(work: UnitOfWork, order_ids: Iterable[str]) -> dict[str, rules.Order]:
    """Orders for change, locked in id order. Locks of people come first."""
    ids = sorted(set(order_ids))
    await work.execute("SELECT 1 FROM orders WHERE order_id = ANY(:ids) ORDER BY order_id FOR UPDATE", ids=ids)
    return await list_orders(work, ids)


async def lock_orders_with_open_stages(work: UnitOfWork, employee_id: str, limit: int) -> dict[str, rules.Order]:
    """Some of the orders in which this person has open stages, for change."""
    order_ids = await work.fetch_values(
        "SELECT DISTINCT order_id FROM stages WHERE employee_id = :id AND open ORDER BY order_id LIMIT :limit",
        id=employee_id,
        limit=limit,
    )
    return await lock_orders(work, order_ids) if order_ids else {}


async def lock_orders_after(work: UnitOfWork, order_id: str, limit: int) -> dict[str, rules.Order]:
    """The next orders by id; none of them changes before this transaction ends."""
    order_ids = await work.fetch_values(
        "SELECT order_id FROM orders WHERE order_id > :after ORDER BY order_id LIMIT :limit FOR SHARE",
        after=order_id,
        limit=limit,
    )
    return await list_orders(work, order_ids)


async def insert_orders(work: UnitOfWork, orders: Sequence[rules.Order], digests: Mapping[str, bytes]) -> None:
    """Inserts orders that were not there when their digests were read; `digests`: of the request that each is made from.

    By COPY, which is three times as fast as arrays: imports bring millions of stages. Raises asyncpg.SerializationError
    where somebody else has placed one of them meanwhile: the transaction is run again.
    """
    get_values = attrgetter(*ORDER_COLUMNS)
    try:
        await work.connection.copy_records_to_table(
            "orders",
            records=[(*get_values(order), digests[order.order_id], work.now) for order in orders],
            columns=[*ORDER_COLUMNS, "asked", "placed_at"],
        )
    except asyncpg.UniqueViolationError:
        raise asyncpg.SerializationError("an order was placed twice at the same time") from None
    await work.connection.copy_records_to_table(
        "stages",
        records=[(order.order_id, position, *stage) for order in orders for position, stage in enumerate(order.stages)],
        columns=["order_id", "position", *STAGE_COLUMNS],
    )


async def update_orders(work: UnitOfWork, orders: Sequence[rules.Order]) -> None:
    """Writes orders that were locked for change."""
    if not orders:
        return
    await work.execute(UPDATE_ORDERS_SQL, **to_columns(orders, "order_id", *ORDER_CHANGES))
    stages = [(order.order_id, position, stage) for order in orders for position, stage in enumerate(order.stages)]
    await work.execute(
        UPDATE_STAGES_SQL,
        order_id=[order_id for order_id, _, _ in stages],
        position=[position for _, position, _ in stages],
        **to_columns([stage for _, _, stage in stages], *STAGE_CHANGES),
    )


async def list_request_digests(work: UnitOfWork, order_ids: Iterable[str]) -> dict[str, bytes]:
    """The digest of the request that each existing order was last made from."""
    rows = await work.fetch_rows("SELECT order_id, asked FROM orders WHERE order_id = ANY(:ids)", ids=list(order_ids))
    return {row["order_id"]: row["asked"] for row in rows}


async def update_request_digests(work: UnitOfWork, digests: Mapping[str, bytes]) -> None:
    await work.execute(
        f"""
        UPDATE orders o SET asked = new.asked FROM {_unnest_sql(tables.orders, "order_id", "asked")}
        WHERE o.order_id = new.order_id
        """,
        order_id=list(digests),
        asked=list(digests.values()),
    )


async def update_cancel_reason(work: UnitOfWork, order_id: str, reason: str) -> None:
    await work.execute("UPDATE orders SET cancel_reason = :reason WHERE order_id = :id", id=order_id, reason=reason)


# -- which orders the caller may see -----------------------------------------------------------------------------------
# SQL about the row `o` of orders; `:actor` is the caller, `:now` the time. Employees: orders where an open stage is theirs and
# not held, where they completed one in their present employment, or that they placed. A frozen one: only what a `work` pass
# releases. Heads: also what people of their departments do, and what waits for somebody. Held stages release nothing, so a
# rehire restores nothing.

DUE_DAY_SQL = "coalesce(promised_on, planned_on)"
LATE_SQL = f"(status <> 'cancelled' AND {DUE_DAY_SQL} < coalesce(delivered_on, :today))"
# About the row `q` of passes.
IS_RUNNING_SQL = "NOT q.ended AND q.from_time <= :now AND q.until_time > :now"
OWN_OPEN_ORDERS_SQL = "SELECT order_id FROM stages WHERE employee_id = :actor AND open AND status <> 'held'"
RELEASED_BY_PASS_SQL = f"""(o.order_id IN ({OWN_OPEN_ORDERS_SQL}) AND EXISTS (
    SELECT 1 FROM passes q WHERE q.employee_id = :actor AND q.client_id = o.client_id AND {IS_RUNNING_SQL}))"""
# Sets of ids, each from an index of its own: one row is found by pushing its id into each, a list by going through them.
OWN_ORDERS_SQL = f"""{OWN_OPEN_ORDERS_SQL}
    UNION ALL SELECT s.order_id FROM stages s JOIN people me ON me.employee_id = s.employee_id
              WHERE s.employee_id = :actor AND me.status <> 'left'
              AND s.completed_on >= coalesce(me.hired_on, s.completed_on)
    UNION ALL SELECT b.order_id FROM orders b JOIN people me ON me.employee_id = b.placed_by
              WHERE b.placed_by = :actor AND me.status <> 'left'
              AND b.placed_on >= coalesce(me.hired_on, b.placed_on)"""
HEADED_ORDERS_SQL = f"""
    UNION ALL SELECT s.order_id FROM people p JOIN stages s ON s.employee_id = p.employee_id WHERE {heads_person_sql("p")}
    UNION ALL SELECT order_id FROM stages WHERE open AND employee_id IS NULL"""


def visible_orders_sql(principal: Principal, frozen: bool) -> str:
    if frozen:
        return RELEASED_BY_PASS_SQL
    if principal.has("director", "service"):
        return "true"
    return f"o.order_id IN ({OWN_ORDERS_SQL}{HEADED_ORDERS_SQL if principal.has('sales_head') else ''})"


async def get_visible_order(
    work: UnitOfWork, principal: Principal, frozen: bool, order_id: str, lock: Literal["", "FOR UPDATE OF o"] = ""
) -> rules.OrderToday:
    """Raises `NotFound` also for what the caller may not know about."""
    found = await work.fetch_value(
        f"SELECT 1 FROM orders o WHERE o.order_id = :id AND {visible_orders_sql(principal, frozen)} {lock}",
        id=order_id,
    )
    if found is None:
        raise NotFound
    order = (await list_orders(work, [order_id]))[order_id]
    return rules.OrderToday(order, order.is_late(work.today))


async def lock_visible_order(work: UnitOfWork, principal: Principal, frozen: bool, order_id: str) -> rules.Order:
    """For change. Raises `NotFound`."""
    return (await get_visible_order(work, principal, frozen, order_id, lock="FOR UPDATE OF o")).order


async def list_visible_orders(
    work: UnitOfWork,
    principal: Principal,
    frozen: bool,
    paging: Paging,
    client_id: str | None,
    assignee_id: str | None,
    status: str | None,
    late: bool | None,
) -> list[rules.OrderToday]:
    """Orders by id, as the caller may see them."""
    conditions = [visible_orders_sql(principal, frozen)]
    if paging.after:
        conditions.append("o.order_id > :after")
    if client_id is not None:
        conditions.append("o.client_id = :client_id")
    if assignee_id is not None:
        conditions.append("o.order_id IN (SELECT order_id FROM stages WHERE employee_id = :assignee_id)")
    if status is not None:
        conditions.append("o.status = :status")
    if late is not None:
        conditions.append(LATE_SQL if late else f"NOT {LATE_SQL}")
    order_ids = await work.fetch_values(
        f"SELECT o.order_id FROM orders o WHERE {' AND '.join(conditions)} ORDER BY o.order_id LIMIT :fetch",
        fetch=paging.fetch,
        after=paging.after[0] if paging.after else None,
        client_id=client_id,
        assignee_id=assignee_id,
        status=status,
    )
    orders = await list_orders(work, order_ids)
    return [rules.OrderToday(order, order.is_late(work.today)) for order in orders.values()]


# -- held stages -------------------------------------------------------------------------------------------------------

# A frozen person's open stage is held unless they work here and a `work` pass for its client runs. What a rehired person
# had before is held until it is written through, whatever passes there were. So this one statement freezes, unfreezes and
# follows passes.
HOLD_STAGES_SQL = f"""
    WITH wanted AS (
        SELECT s.order_id, s.position, p.settling OR (p.frozen AND (p.status = 'left' OR NOT EXISTS (
                   SELECT 1 FROM passes q WHERE q.employee_id = p.employee_id AND q.client_id = o.client_id
                   AND {IS_RUNNING_SQL}))) AS held
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


async def hold_or_release_stages(work: UnitOfWork, employee_ids: Sequence[str]) -> None:
    """Holds and releases the open stages of these people as their freeze and passes say. The caller has locked their rows."""
    await work.execute(
        """
        SELECT 1 FROM orders WHERE order_id IN (SELECT order_id FROM stages WHERE employee_id = ANY(:ids) AND open)
        ORDER BY order_id FOR UPDATE
        """,
        ids=employee_ids,
    )
    await work.execute(HOLD_STAGES_SQL, ids=employee_ids)


async def count_held_stages(work: UnitOfWork, employee_id: str) -> int:
    held = "SELECT count(*) FROM stages WHERE employee_id = :id AND open AND status = 'held'"
    return int(await work.fetch_value(held, id=employee_id))


# -- merging and erasure -----------------------------------------------------------------------------------------------


async def merge_orders_of_client(work: UnitOfWork, client_id: str, into_id: str) -> None:
    await work.execute(
        "UPDATE orders SET client_id = :into, version = version + 1 WHERE client_id = :id", id=client_id, into=into_id
    )


async def erase_cancel_reasons_of_employee(work: UnitOfWork, employee_id: str) -> int:
    """Who wrote why an order was cancelled is not kept, so reasons go from every order that this person placed or had a
    stage of. How many."""
    return await work.execute(
        """
        UPDATE orders SET cancel_reason = NULL WHERE cancel_reason IS NOT NULL AND (placed_by = :id
        OR order_id IN (SELECT order_id FROM stages WHERE employee_id = :id))
        """,
        id=employee_id,
    )


async def erase_cancel_reasons_of_client(work: UnitOfWork, client_id: str) -> int:
    """A contact may be named in why an order was cancelled. How many reasons were erased."""
    return await work.execute(
        "UPDATE orders SET cancel_reason = NULL WHERE cancel_reason IS NOT NULL AND client_id = :id", id=client_id
    )
