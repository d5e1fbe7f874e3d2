"""Publishing the present state again, for a service that comes late or back from a restore."""

from collections.abc import Awaitable, Callable, Sequence

from shared.database import UnitOfWork
from shared.service import Runtime

# Publishes what comes after this key; returns how many events, and the key to go on from, or None at the end.
RepublishBatch = Callable[[UnitOfWork, str], Awaitable[tuple[int, str | None]]]


async def republish_in_batches(runtime: Runtime, *batches: RepublishBatch) -> int:
    """Runs each from the empty key to its end, every batch in a transaction of its own. Returns the number of events."""
    events = 0
    for republish_batch in batches:
        after: str | None = ""
        while after is not None:
            published, after = await runtime.transact(republish_batch, after)
            events += published
    return events


REQUEUE = """
    WITH taken AS (
        DELETE FROM outbox WHERE id = ANY(:ids)
        RETURNING id, event_id, topic, subject, sequence, type, time, cause, traceparent, body
    )
    INSERT INTO outbox (event_id, topic, subject, sequence, type, time, cause, traceparent, body)
    SELECT event_id, topic, subject, sequence, type, time, cause, traceparent, body FROM taken ORDER BY id
"""


async def republish_kept_events(work: UnitOfWork, outbox_ids: Sequence[int]) -> int:
    """Sends these very events of the outbox again, under their id and sequence: who has received them does nothing."""
    return await work.execute(REQUEUE, ids=list(outbox_ids))
