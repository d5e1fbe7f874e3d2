"""The relay: one leader per outbox publishes what is not yet published, batch by batch, and marks it.

No high-water cursor: a cursor over ids silently skips rows that commit late. The lease has a `term`, checked by
every marking update, so a leader that slept through its lease marks nothing.
"""

from datetime import timedelta

from shared.database import bind_named, parse_affected_count
from shared.messages import encode_record
from shared.service import Runtime

BATCH = 500
LEASE = timedelta(seconds=6)
PUBLISHED_RETENTION = timedelta(days=30)
RECEIVED_RETENTION = timedelta(days=45)  # longer than topics keep their messages

TAKE_LEASE = """
    INSERT INTO leases AS l (name, holder, term, until) VALUES ('relay', :holder, 1, :until)
    ON CONFLICT (name) DO UPDATE
    SET holder = excluded.holder, until = excluded.until, term = l.term + (l.holder <> excluded.holder)::int
    WHERE l.holder = excluded.holder OR l.until < :now OR :alone
    RETURNING term
"""
LIST_UNPUBLISHED = "SELECT * FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT $1"
MARK_PUBLISHED = """
    UPDATE outbox SET published_at = :now WHERE id = ANY(:ids)
    AND EXISTS (SELECT 1 FROM leases WHERE name = 'relay' AND holder = :holder AND term = :term)
"""


async def acquire_lease(runtime: Runtime) -> int | None:
    """The term in which this process leads, or None while another does."""
    now = runtime.wall_clock()
    if runtime.lease_until is not None and now < runtime.lease_until - LEASE / 2:
        return runtime.lease_term
    async with runtime.database.connect() as connection:
        term: int | None = await connection.fetchval(
            *bind_named(TAKE_LEASE, holder=runtime.id, now=now, until=now + LEASE, alone=runtime.is_only_replica)
        )
    runtime.lease_term, runtime.lease_until = term, (now + LEASE if term is not None else None)
    return term


async def publish_outbox(runtime: Runtime) -> int:
    """Publishes and marks one batch; returns how many messages it was. Crashing in between sends them twice."""
    term = await acquire_lease(runtime)
    if term is None:
        return 0
    async with runtime.database.connect() as connection:
        rows = await connection.fetch(LIST_UNPUBLISHED, BATCH)
    if not rows:
        return 0
    source = f"/holdfast/{runtime.name}"
    await runtime.bus.publish([encode_record({**row, "source": source}) for row in rows])
    ids = [row["id"] for row in rows]
    async with runtime.database.connect() as connection:
        marked = await connection.execute(
            *bind_named(MARK_PUBLISHED, ids=ids, now=runtime.wall_clock(), holder=runtime.id, term=term)
        )
    if not parse_affected_count(marked):
        runtime.lease_until = None  # another leads by now, whatever this clock says
    runtime.on_commit(sent=False)
    runtime.metrics.published.labels(runtime.name).inc(len(rows))
    return len(rows)


async def delete_expired(runtime: Runtime) -> bool:
    """Deletes what was published, received or answered long ago."""
    now = runtime.wall_clock()
    kept = [event.type for event in runtime.service.retains]
    async with runtime.database.connect() as connection:
        await connection.execute(
            "DELETE FROM outbox WHERE published_at < $1 AND type <> ALL($2)", now - PUBLISHED_RETENTION, kept
        )
        for statement, before in (
            ("DELETE FROM inbox WHERE received_at < $1", now - RECEIVED_RETENTION),
            ("DELETE FROM idempotency_keys WHERE created_at < $1", now - timedelta(days=7)),
        ):
            await connection.execute(statement, before)
    return False
