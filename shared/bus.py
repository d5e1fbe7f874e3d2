"""The bus port, and the bus of the embedded mode.

A bus carries records from topics to groups, one group per service. What it promises, and the conformance suite
proves for each: a published record is handed to every group at least once; records of one key in their order; a
record is handed in again until `handle` returns; a slow group holds up no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import structlog

from shared.database import bind
from shared.messages import Record, type_of
from shared.outbox.inbox import encode_headers, take_delivered

if TYPE_CHECKING:
    from shared.service import Runtime

log = structlog.get_logger()

T = TypeVar("T")
Handle = Callable[[Sequence[Record]], Awaitable[None]]
NET = 0.2  # seconds: the poll that catches a lost wake-up
PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)  # seconds before handing in again, the last for ever

DELIVER = """
    INSERT INTO deliveries (topic, key, headers, body)
    SELECT topic, key, CAST(headers AS jsonb), body
    FROM unnest(CAST(:topics AS text[]), CAST(:keys AS text[]), CAST(:headers AS text[]), CAST(:bodies AS bytea[]))
         WITH ORDINALITY AS n(topic, key, headers, body, nth) ORDER BY nth
"""


class Bus(Protocol):
    async def start(self, topics: Sequence[str]) -> None:
        """Connects, and creates the topics that do not exist yet."""

    async def stop(self) -> None: ...

    async def publish(self, records: Sequence[Record]) -> None:
        """Returns when all records are durable. After an error any of them may or may not be: publish all again."""

    async def consume(self, topic: str, group: str, handle: Handle) -> None:
        """Hands records to `handle`, until cancelled."""

    def problem(self) -> str | None:
        """What is wrong with the bus at present, for `/readyz`."""


class InProcessBus:
    """Publishing writes one delivery row per subscriber, in its database; it removes the row in its own transaction."""

    def __init__(self) -> None:
        self.subscribers: dict[str, dict[str, Runtime]] = {}
        self.arrived: dict[tuple[str, str], asyncio.Event] = {}

    def subscribe(self, runtime: "Runtime") -> None:
        for topic in runtime.topics:
            self.subscribers.setdefault(topic, {})[runtime.service.name] = runtime
            self.arrived[topic, runtime.service.name] = asyncio.Event()

    async def start(self, topics: Sequence[str]) -> None:
        return

    async def stop(self) -> None:
        return

    async def publish(self, records: Sequence[Record]) -> None:
        by_subscriber: dict[str, list[Record]] = {}
        for record in records:
            for name, runtime in self.subscribers.get(record.topic, {}).items():
                if type_of(record) in (None, *runtime.handlers):  # what says no type is for a person to look at
                    by_subscriber.setdefault(name, []).append(record)
        for name, taken in by_subscriber.items():
            runtime = self.subscribers[taken[0].topic][name]
            async with runtime.database.connect() as connection:
                await connection.execute(*bind(DELIVER, **_columns(taken)))
            runtime.committed(sent=False)
            for topic in {record.topic for record in taken}:
                self.arrived[topic, name].set()

    async def consume(self, topic: str, group: str, handle: Handle) -> None:
        runtime, arrived = self.subscribers[topic][group], self.arrived[topic, group]
        while True:
            arrived.clear()
            records = await insist(lambda: take_delivered(runtime, topic), topic)
            if records:
                await hand_in(records, handle)
                continue
            try:
                await asyncio.wait_for(arrived.wait(), NET * 5)
            except TimeoutError:
                continue

    def problem(self) -> str | None:
        return None


async def hand_in(records: Sequence[Record], handle: Handle) -> None:
    """Hands records in until `handle` returns."""
    await insist(lambda: handle(records), records[0].topic)


async def insist(act: Callable[[], Awaitable[T]], topic: str) -> T:
    """Acts until it succeeds: what it raises is transient, for example a lost database."""
    failures = 0
    while True:
        try:
            return await act()
        except Exception as error:
            if not failures:
                log.warning("consumer.paused", topic=topic, error=type(error).__name__)
            await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
            failures += 1


def _columns(records: Sequence[Record]) -> Mapping[str, Sequence[str | bytes]]:
    return {
        "topics": [record.topic for record in records],
        "keys": [record.key for record in records],
        "headers": [encode_headers(record) for record in records],
        "bodies": [record.body for record in records],
    }
