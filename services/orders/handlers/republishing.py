"""The present state of every order once more, for a service that comes late or back from a restore."""

from services.orders.domain.orders import bulks, state
from services.orders.handlers.placing import BULK_STAGES
from services.orders.store import orders as store
from shared.contracts.orders import OrderPlaced
from shared.database import UnitOfWork
from shared.ids import uuid7
from shared.service import Runtime

CHUNK = 1000


async def republish(runtime: Runtime) -> int:
    """Chunk by chunk; receivers let pass what they know by its sequence. Returns the number of events."""
    events, after = 0, ""
    while True:
        told = await runtime.transact(_republish_after, after)
        if told is None:
            return events
        after, events = told[0], events + told[1]


async def _republish_after(work: UnitOfWork, after: str) -> tuple[str, int] | None:
    """The last of the orders told now, and in how many events; None when there are no more."""
    rows = await work.fetch_rows(
        "SELECT order_id FROM orders WHERE order_id > :after ORDER BY order_id LIMIT :chunk FOR SHARE",
        after=after,
        chunk=CHUNK,
    )
    if not rows:
        return None
    orders = await store.load(work, [row["order_id"] for row in rows])
    parts = [[state(order) for order in bulk] for bulk in bulks(orders.values(), stages=BULK_STAGES)]
    work.publish(*(OrderPlaced(batch_id=uuid7(), items=items) for items in parts))
    return str(rows[-1]["order_id"]), len(parts)
