"""Deliveries of the in-process bus: one row per subscriber, which it deletes in the transaction of its effect."""

from collections.abc import Sequence

from shared.database import Database, bind_named
from shared.messages import Record, dump_headers, load_headers

INSERT_DELIVERIES = """
    INSERT INTO deliveries (topic, key, headers, body)
    SELECT topic, key, CAST(headers AS jsonb), body
    FROM unnest(CAST(:topics AS text[]), CAST(:keys AS text[]), CAST(:headers AS text[]), CAST(:bodies AS bytea[]))
         WITH ORDINALITY AS n(topic, key, headers, body, nth) ORDER BY nth
"""
IS_ALL_DELIVERED = """
    SELECT NOT EXISTS (SELECT 1 FROM outbox WHERE published_at IS NULL) AND NOT EXISTS (SELECT 1 FROM deliveries)
"""


async def insert_deliveries(database: Database, records: Sequence[Record]) -> None:
    """Keeps the records for the subscriber whose database this is, in their order."""
    columns = {
        "topics": [record.topic for record in records],
        "keys": [record.key for record in records],
        "headers": [dump_headers(record) for record in records],
        "bodies": [record.body for record in records],
    }
    async with database.connect() as connection:
        await connection.execute(*bind_named(INSERT_DELIVERIES, **columns))


async def list_deliveries(database: Database, topic: str, limit: int = 50) -> list[Record]:
    """The oldest records of a topic, oldest first."""
    async with database.connect() as connection:
        rows = await connection.fetch("SELECT * FROM deliveries WHERE topic = $1 ORDER BY id LIMIT $2", topic, limit)
    return [Record(row["topic"], row["key"], load_headers(row["headers"]), row["body"], row["id"]) for row in rows]


async def is_all_delivered(database: Database) -> bool:
    """Whether nothing of this service is on its way: neither what it sends nor what it is to receive."""
    async with database.connect() as connection:
        return bool(await connection.fetchval(IS_ALL_DELIVERED))
