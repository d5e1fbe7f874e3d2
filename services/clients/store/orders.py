"""The copy of orders: for the value of clients and for who works on a stage of an open order."""

from collections.abc import Sequence
from operator import attrgetter

from shared.contracts.orders import OrderState
from shared.database import UnitOfWork

# Arrays, not JSON: an import tells of hundreds of thousands of orders, most of them history without a stage to be done.
TAKE_OVER = """
    WITH heard AS (
        SELECT * FROM unnest(CAST(:orders AS text[]), CAST(:clients AS text[]), CAST(:values AS text[]),
                             CAST(:days AS date[]), CAST(:statuses AS text[]), CAST(:sequences AS bigint[]))
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
HEARD = {
    "orders": attrgetter("order_id"),
    "clients": attrgetter("client_id"),
    "values": attrgetter("value"),
    "days": attrgetter("placed_on"),
    "statuses": attrgetter("status"),
    "sequences": attrgetter("sequence"),
}


async def take_over(work: UnitOfWork, states: Sequence[OrderState]) -> None:
    """Takes over the orders of which this is news."""
    open_stages = [
        (state.order_id, stage.stage, stage.employee_id)
        for state in states
        if state.status == "open"
        for stage in state.stages
        if stage.employee_id is not None and stage.status != "completed"
    ]
    await work.execute(
        TAKE_OVER,
        **{name: list(map(column, states)) for name, column in HEARD.items()},
        open_orders=[order_id for order_id, _, _ in open_stages],
        stages=[stage for _, stage, _ in open_stages],
        doers=[employee_id for _, _, employee_id in open_stages],
    )
