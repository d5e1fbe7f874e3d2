"""The copy of orders: for the value of clients and for who works on a stage of an open order."""

from collections.abc import Sequence

from pydantic import TypeAdapter

from shared.contracts.orders import OrderState
from shared.database import UnitOfWork

TAKE_OVER = """
    WITH heard AS (
        SELECT * FROM jsonb_to_recordset(CAST(:orders AS jsonb)) AS h (
            order_id text, client_id text, value numeric, placed_on date, status text, sequence bigint, stages jsonb)
    ), newer AS (
        INSERT INTO client_orders AS o (order_id, client_id, value, placed_on, status, sequence)
        SELECT order_id, client_id, value, placed_on, status, sequence FROM heard ORDER BY order_id
        ON CONFLICT (order_id) DO UPDATE SET client_id = excluded.client_id, value = excluded.value,
            placed_on = excluded.placed_on, status = excluded.status, sequence = excluded.sequence
        WHERE o.sequence < excluded.sequence
        RETURNING order_id
    ), present AS (
        SELECT h.order_id, s.stage, h.client_id, s.employee_id
        FROM newer JOIN heard h USING (order_id),
             jsonb_to_recordset(h.stages) AS s (stage text, employee_id text, status text)
        WHERE h.status = 'open' AND s.status <> 'completed' AND s.employee_id IS NOT NULL
    ), gone AS (
        DELETE FROM open_stages o USING newer n WHERE o.order_id = n.order_id
        AND NOT EXISTS (SELECT 1 FROM present p WHERE p.order_id = o.order_id AND p.stage = o.stage)
    )
    INSERT INTO open_stages (order_id, stage, client_id, employee_id) SELECT * FROM present
    ON CONFLICT (order_id, stage) DO UPDATE SET client_id = excluded.client_id, employee_id = excluded.employee_id
"""


STATES = TypeAdapter(list[OrderState])


async def take_over(work: UnitOfWork, states: Sequence[OrderState]) -> None:
    """Takes over the orders of which this is news."""
    await work.execute(TAKE_OVER, orders=STATES.dump_json(list(states)).decode())
