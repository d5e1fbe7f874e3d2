"""The bus port, and the bus of the embedded mode.

A bus carries records from topics to groups, one group per service. What it promises, and the conformance suite
proves for each: a published record is handed to every group at least once; records of one key in their order; a
record is handed in again until `handle` returns; a slow group holds up no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import structlog

from shared.database import Database
from shared.messages import Record, get_record_type
from shared.outbox.deliveries import insert_deliveries, list_deliveries

log = structlog.get_logger()

T = TypeVar("T")

RecordHandler = Callable[[Sequence[Record]], Awaitable[None]]

POLL_SECONDS = 0.2  # seconds: the poll that catches a lost wake-up

RETRY_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)  # seconds before handing in again, the last for ever


class Bus(Protocol):
    async def start(self, topics: Sequence[str]) -> None:
        """Connects, and creates the topics that do not exist yet."""

    async def stop(self) -> None: ...

    async def publish(self, records: Sequence[Record]) -> None:
        """Returns when all records are durable. After an error any of them may or may not be: publish all again."""

    async def consume(self, topic: str, group: str, handle: RecordHandler) -> None:
        """Hands records to `handle`, until cancelled."""

    def describe_fault(self) -> str | None:
        """What is wrong with the bus at present, for `/readyz`."""


class Subscriber(Protocol):
    """A replica as the in-process bus sees it; `handlers` are by type of message."""

    database: Database

    @property
    def name(self) -> str: ...

    @property
    def topics(self) -> Sequence[str]: ...

    @property
    def handlers(self) -> Mapping[str, Any]: ...

    def on_commit(self, *, sent: bool) -> None:
        """Called after every commit."""


class DeliveryTableBus:
    """Publishing writes one delivery row per subscriber, in its database; it removes the row in its own transaction."""

    def __init__(self) -> None:
        self.subscribers: dict[str, dict[str, Subscriber]] = {}
        self.arrived: dict[tuple[str, str], asyncio.Event] = {}

    def subscribe(self, subscriber: Subscriber) -> None:
        for topic in subscriber.topics:
            self.subscribers.setdefault(topic, {})[subscriber.name] = subscriber
            self.arrived[topic, subscriber.name] = asyncio.Event()

    async def start(self, topics: Sequence[str]) -> None:
        return

    async def stop(self) -> None:
        return

    async def publish(self, records: Sequence[Record]) -> None:
        by_subscriber: dict[str, list[Record]] = {}
        for record in records:
            for name, subscriber in self.subscribers.get(record.topic, {}).items():
                # What says no type is for a person to look at.
                if get_record_type(record) in (None, *subscriber.handlers):
                    by_subscriber.setdefault(name, []).append(record)
        for name, taken in by_subscriber.items():
            subscriber = self.subscribers[taken[0].topic][name]
            await insert_deliveries(subscriber.database, taken)
            subscriber.on_commit(sent=False)
            for topic in {record.topic for record in taken}:
                self.arrived[topic, name].set()

    async def consume(self, topic: str, group: str, handle: RecordHandler) -> None:
        subscriber, arrived = self.subscribers[topic][group], self.arrived[topic, group]
        while True:
            arrived.clear()
            records = await retry_until_success(
                lambda: list_deliveries(subscriber.database, topic), "consumer.paused", topic=topic
            )
            if records:
                await deliver_until_handled(records, handle)
                continue
            try:
                await asyncio.wait_for(arrived.wait(), POLL_SECONDS * 5)
            except TimeoutError:
                continue

    def describe_fault(self) -> str | None:
        return None


async def deliver_until_handled(records: Sequence[Record], handle: RecordHandler) -> None:
    """Hands records in until `handle` returns."""
    await retry_until_success(lambda: handle(records), "consumer.paused", topic=records[0].topic)


async def retry_until_success(act: Callable[[], Awaitable[T]], warning: str, **about: str) -> T:
    """Acts until it succeeds: what it raises is transient, for example a lost database. The first failure is logged."""
    failures = 0
    while True:
        try:
            return await act()
        except Exception as error:
            if not failures:
                log.warning(warning, **about, error=type(error).__name__)
            await asyncio.sleep(RETRY_PAUSES[min(failures, len(RETRY_PAUSES) - 1)])
            failures += 1
