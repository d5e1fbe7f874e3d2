"""The copy of orders, for the value of clients and for who works on a stage of an open order; the copy of policies."""

import json
from collections.abc import Sequence

from shared.contracts.orders import OrderState
from shared.contracts.staff import PolicyPublished
from shared.database import UnitOfWork, to_columns

# Arrays, not JSON: an import tells of hundreds of thousands of orders, most of them history without a stage to be done.
UPSERT_ORDERS_SQL = """
    WITH heard AS (
        SELECT * FROM unnest(CAST(:order_id AS text[]), CAST(:client_id AS text[]), CAST(:value AS text[]),
                             CAST(:placed_on AS date[]), CAST(:status AS text[]), CAST(:sequence AS bigint[]))
               AS h (order_id, client_id, value, placed_on, status, sequence)
    ), named AS (
        SELECT h.order_id, coalesce(m.client_id, h.client_id) AS client_id, h.value, h.placed_on, h.status, h.sequence
        FROM heard h LEFT JOIN external_ids m ON m.system = 'merged' AND m.id = h.client_id
    ), newer AS (
        INSERT INTO client_orders AS o (order_id, client_id, value, placed_on, status, sequence)
        SELECT order_id, client_id, CAST(value AS numeric), placed_on, status, sequence FROM named ORDER BY order_id
        ON CONFLICT (order_id) DO UPDATE SET client_id = excluded.client_id, value = excluded.value,
            placed_on = excluded.placed_on, status = excluded.status, sequence = excluded.sequence
        WHERE o.sequence < excluded.sequence
        RETURNING order_id, client_id
    ), present AS (
        SELECT d.order_id, d.stage, n.client_id, d.employee_id
        FROM unnest(CAST(:open_orders AS text[]), CAST(:stages AS text[]), CAST(:doers AS text[]))
             AS d (order_id, stage, employee_id) JOIN newer n USING (order_id)
    ), gone AS (
        DELETE FROM open_stages o USING newer n WHERE o.order_id = n.order_id
        AND NOT EXISTS (SELECT 1 FROM present p WHERE p.order_id = o.order_id AND p.stage = o.stage)
    )
    INSERT INTO open_stages (order_id, stage, client_id, employee_id) SELECT * FROM present
    ON CONFLICT (order_id, stage) DO UPDATE SET client_id = excluded.client_id, employee_id = excluded.employee_id
"""


async def upsert_orders(work: UnitOfWork, states: Sequence[OrderState]) -> None:
    """Takes over the orders of which this is news."""
    open_stages = [
        (state.order_id, stage.stage, stage.employee_id)
        for state in states
        if state.status == "open"
        for stage in state.stages
        if stage.employee_id is not None and stage.status != "completed"
    ]
    await work.execute(
        UPSERT_ORDERS_SQL,
        **to_columns(states, "order_id", "client_id", "value", "placed_on", "status", "sequence"),
        open_orders=[order_id for order_id, _, _ in open_stages],
        stages=[stage for _, stage, _ in open_stages],
        doers=[employee_id for _, _, employee_id in open_stages],
    )


async def insert_policy_version(work: UnitOfWork, version: PolicyPublished) -> None:
    """Takes over a version as published."""
    await work.execute(
        """
        INSERT INTO policy_versions (policy_id, version, published_on, effective_on, grace_days, required, applies_to)
        VALUES (:policy_id, :version, :published_on, :effective_on, :grace_days, :required_for_access,
                CAST(:applies_to AS jsonb))
        ON CONFLICT DO NOTHING
        """,
        **{**vars(version), "applies_to": json.dumps(version.applies_to)},
    )


async def upsert_acknowledgement(
    work: UnitOfWork, employee_id: str, employment_id: str, policy_id: str, version: int
) -> None:
    """The newest version that was acknowledged counts for those before it."""
    await work.execute(
        """
        INSERT INTO acknowledged AS a (employee_id, employment_id, policy_id, version)
        VALUES (:employee_id, :employment_id, :policy_id, :version)
        ON CONFLICT (employee_id, employment_id, policy_id) DO UPDATE SET version = excluded.version
        WHERE a.version < excluded.version
        """,
        employee_id=employee_id,
        employment_id=employment_id,
        policy_id=policy_id,
        version=version,
    )


async def merge_orders(work: UnitOfWork, client_id: str, into_id: str) -> None:
    for table in ("client_orders", "open_stages"):
        await work.execute(
            f"UPDATE {table} SET client_id = :into_id WHERE client_id = :client_id",
            client_id=client_id,
            into_id=into_id,
        )


async def delete_open_stages(work: UnitOfWork, employee_id: str) -> None:
    """Of somebody who was rehired: they are of before, and `orders` moves them."""
    await work.execute("DELETE FROM open_stages WHERE employee_id = :id", id=employee_id)
