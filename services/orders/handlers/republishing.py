"""The present state of every order once more, for a service that comes late or back from a restore."""

from services.orders.domain.orders import state
from services.orders.store import orders as store
from shared.contracts.orders import OrderPlaced
from shared.database import UnitOfWork, transact
from shared.http.fields import uuid7
from shared.service import Runtime

CHUNK = 1000


async def republish(runtime: Runtime) -> int:
    """Chunk by chunk; receivers let pass what they know by its sequence. Returns the number of events."""
    events, after = 0, ""
    while True:
        last = await transact(runtime, _republish_after, after)
        if last is None:
            return events
        events, after = events + 1, last


async def _republish_after(work: UnitOfWork, after: str) -> str | None:
    rows = await work.rows(
        "SELECT order_id FROM orders WHERE order_id > :after ORDER BY order_id LIMIT :chunk FOR SHARE",
        after=after,
        chunk=CHUNK,
    )
    if not rows:
        return None
    orders = await store.load(work, [row["order_id"] for row in rows])
    work.publish(OrderPlaced(batch_id=uuid7(), items=[state(order) for order in orders.values()]))
    return str(rows[-1]["order_id"])
