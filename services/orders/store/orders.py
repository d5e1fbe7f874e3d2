"""Orders with their stages: many at once or one, always in a fixed number of statements."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import asyncpg

from services.orders.domain.orders import Order, Stage
from shared.database import UnitOfWork

ORDER = (
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
STAGE = (
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


CHANGED_ORDER = ("value", "origin", "status", "placed_on", "promised_on", "delivered_on", "cancelled_on", "version")
UPDATE_ORDERS = f"""
    UPDATE orders o SET {", ".join(f"{name} = n.{name}" for name in CHANGED_ORDER)}
    FROM {_unnest(ORDER, ORDER_TYPES)} AS n({", ".join(ORDER)}) WHERE o.order_id = n.order_id
"""
CHANGED_STAGE = ("status", "held_from", "open", "employee_id", "starts_on", "due_on", "started_on", "completed_on")
UPDATE_STAGES = f"""
    UPDATE stages s SET {", ".join(f"{name} = n.{name}" for name in CHANGED_STAGE)}
    FROM {_unnest(("order_id", "position", *STAGE), ("text", "int", *STAGE_TYPES))}
         AS n(order_id, position, {", ".join(STAGE)})
    WHERE s.order_id = n.order_id AND s.position = n.position
      AND ({", ".join(f"s.{name}" for name in CHANGED_STAGE)})
          IS DISTINCT FROM ({", ".join(f"n.{name}" for name in CHANGED_STAGE)})
"""


async def add(work: UnitOfWork, orders: Sequence[Order], asked: Mapping[str, bytes]) -> None:
    """Inserts orders that were not there when `asked` was read; `asked` is the digest of what each is made from.

    Raises asyncpg.SerializationError where somebody else has placed one of them meanwhile: the transaction is run again.
    """
    try:
        await copy_rows(
            work,
            "orders",
            (*ORDER, "asked", "placed_at"),
            [(*_order_values(order), asked[order.order_id], work.now) for order in orders],
        )
    except asyncpg.UniqueViolationError:
        raise asyncpg.SerializationError("an order was placed twice at the same time") from None
    await copy_rows(
        work,
        "stages",
        ("order_id", "position", *Stage._fields),
        [(order.order_id, position, *stage) for order in orders for position, stage in enumerate(order.stages)],
    )


async def copy_rows(work: UnitOfWork, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """New rows, by COPY: three times as fast as arrays, and imports bring millions of stages."""
    await work.connection.copy_records_to_table(table, records=rows, columns=list(columns))


async def save(work: UnitOfWork, orders: Sequence[Order]) -> None:
    """Writes orders that were loaded for change."""
    if not orders:
        return
    await work.execute(UPDATE_ORDERS, **_order_columns(orders))
    await work.execute(
        UPDATE_STAGES, **_stage_columns([(order, n, stage) for order in orders for n, stage in enumerate(order.stages)])
    )


async def lock(work: UnitOfWork, order_ids: Iterable[str]) -> dict[str, Order]:
    """Orders for change, locked in id order. Locks of people come first."""
    ids = sorted(set(order_ids))
    await work.execute("SELECT 1 FROM orders WHERE order_id = ANY(:ids) ORDER BY order_id FOR UPDATE", ids=ids)
    return await load(work, ids)


async def load(work: UnitOfWork, order_ids: Iterable[str]) -> dict[str, Order]:
    """In the order of the ids; unknown ones are absent."""
    ids = list(order_ids)
    heads = {
        row["order_id"]: row
        for row in await work.fetch_rows(f"SELECT {', '.join(ORDER)} FROM orders WHERE order_id = ANY(:ids)", ids=ids)
    }
    stages: dict[str, list[Stage]] = {id: [] for id in heads}
    for row in await work.fetch_rows(
        f"SELECT order_id, apart, {', '.join(STAGE)} FROM stages WHERE order_id = ANY(:ids) ORDER BY order_id, position",
        ids=ids,
    ):
        if row["order_id"] in stages:
            stages[row["order_id"]].append(Stage(**{name: row[name] for name in STAGE}, apart=tuple(row["apart"])))
    return {id: Order(**heads[id], stages=tuple(stages[id])) for id in ids if id in heads}


async def asked(work: UnitOfWork, order_ids: Iterable[str]) -> dict[str, bytes]:
    """The digest of what each existing order was last made from."""
    rows = await work.fetch_rows("SELECT order_id, asked FROM orders WHERE order_id = ANY(:ids)", ids=list(order_ids))
    return {row["order_id"]: bytes(row["asked"]) for row in rows}


async def set_asked(work: UnitOfWork, digests: Mapping[str, bytes]) -> None:
    await work.execute(
        """
        UPDATE orders o SET asked = n.asked
        FROM unnest(CAST(:ids AS text[]), CAST(:asked AS bytea[])) AS n(id, asked) WHERE o.order_id = n.id
        """,
        ids=list(digests),
        asked=list(digests.values()),
    )


_order_values = attrgetter(*ORDER)


def _order_columns(orders: Sequence[Order]) -> dict[str, list[Any]]:
    return {name: [getattr(order, name) for order in orders] for name in ORDER}


def _stage_columns(pairs: Sequence[tuple[Order, int, Stage]]) -> dict[str, list[Any]]:
    return {
        "order_id": [order.order_id for order, _, _ in pairs],
        "position": [position for _, position, _ in pairs],
        **{name: [getattr(stage, name) for _, _, stage in pairs] for name in STAGE},
    }
