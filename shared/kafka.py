"""The bus over Kafka, by aiokafka. Known defects of the client are designed around: after 60 s without an answer or
without progress the process exits, and its supervisor starts it anew (aiokafka #1101, #1017, #1154)."""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import CommitFailedError, KafkaError, NoError, TopicAlreadyExistsError, for_code
from aiokafka.record import _crecords  # noqa: F401 - the C extension: without it everything is 4.7 times slower

from shared.bus import RETRY_PAUSES, RecordHandler, deliver_until_handled
from shared.messages import Record

log = structlog.get_logger()

PARTITIONS = 12
RETENTION = 30 * 24 * 3600 * 1000  # milliseconds
FETCHED = 262_144  # bytes of a partition at a time, so that partitions are worked off beside each other
TOGETHER = 50  # records of a partition that are handed in at once
AT_ONCE = 3  # partitions of a topic at a time: `clients` has five topics, and the doors draw on the same 20 connections
STUCK = 60.0  # seconds without an answer or without progress


class KafkaBus:
    """`partitions` and `replication` are used for topics that do not exist yet."""

    def __init__(self, bootstrap: str, client: str, partitions: int = PARTITIONS, replication: int = 1) -> None:
        self.bootstrap, self.client = bootstrap, client
        self.partitions, self.replication = partitions, replication
        self.producer: AIOKafkaProducer | None = None
        self.assigned: dict[str, int] = {}

    async def start(self, topics: Sequence[str]) -> None:
        failures = 0
        while True:
            try:
                await self._create(topics)
                self.producer = await self._new_producer()
                return
            except (KafkaError, OSError) as error:
                log.warning("kafka.unreachable", error=type(error).__name__)
                await asyncio.sleep(RETRY_PAUSES[min(failures, len(RETRY_PAUSES) - 1)])
                failures += 1

    async def stop(self) -> None:
        if self.producer is not None:
            producer, self.producer = self.producer, None
            await _stop(producer)

    async def publish(self, records: Sequence[Record]) -> None:
        if self.producer is None:
            self.producer = await self._new_producer()
        try:
            async with asyncio.timeout(STUCK):
                sent = [
                    await self.producer.send(
                        record.topic, record.body, record.key.encode(), headers=list(record.headers.items())
                    )
                    for record in records
                ]
                outcomes = await asyncio.gather(*sent, return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
        except TimeoutError:
            self._give_up("producer")
        except KafkaError:
            # A batch that failed may leave a gap in its partition: only a new producer starts again from there.
            failed, self.producer = self.producer, None
            if failed is not None:
                await _stop(failed)
            raise

    async def consume(self, topic: str, group: str, handle: RecordHandler) -> None:
        places = asyncio.Semaphore(AT_ONCE)  # of each topic its own, so that a backlog of events never delays commands

        async def handle_in_turn(records: Sequence[Record]) -> None:
            async with places:
                await handle(records)

        failures = 0
        while True:
            try:
                await self._consume(topic, group, handle_in_turn)
            except Exception as error:
                log.warning("consumer.restarted", topic=topic, error=type(error).__name__)
                await asyncio.sleep(RETRY_PAUSES[min(failures, len(RETRY_PAUSES) - 1)])
                failures += 1

    def describe_fault(self) -> str | None:
        return None if self.producer is not None else "not connected"

    async def _consume(self, topic: str, group: str, handle: RecordHandler) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            client_id=self.client,
            group_id=f"holdfast.{group}.{topic}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=3_000,
            max_poll_interval_ms=300_000,
            max_partition_fetch_bytes=FETCHED,
        )
        listener = _Listener(self.assigned, topic)
        consumer.subscribe([topic], listener=listener)
        waiting = asyncio.Event()
        watchdog = asyncio.create_task(self._watch(consumer, topic, waiting))
        try:
            await consumer.start()
            while True:
                waiting.set()
                batches = await consumer.getmany(timeout_ms=1_000)
                waiting.clear()
                await self._work_off(consumer, listener, batches, handle)
        finally:
            watchdog.cancel()
            self.assigned.pop(topic, None)
            await _stop(consumer)

    async def _work_off(
        self,
        consumer: AIOKafkaConsumer,
        listener: "_Listener",
        batches: Mapping[TopicPartition, Sequence[Any]],
        handle: RecordHandler,
    ) -> None:
        """A slice of every partition at a time; what a slice has done is committed for all of them together.

        Once the partitions are shared out anew the rest is let go: whoever has them now is handed all of it from the last
        commit on, and the inbox knows what is done. A partition that went and came back meanwhile must not go on here
        behind a slice that nobody did.
        """
        shared_out = listener.shared_out
        for start in range(0, max(map(len, batches.values()), default=0), TOGETHER):
            parts = {partition: batch[start : start + TOGETHER] for partition, batch in batches.items()}
            parts = {partition: part for partition, part in parts.items() if part}
            await asyncio.gather(
                *(deliver_until_handled([_record(one) for one in part], handle) for part in parts.values())
            )
            if listener.shared_out != shared_out:
                return
            try:
                await consumer.commit({partition: part[-1].offset + 1 for partition, part in parts.items()})
            except CommitFailedError:
                return
            except KafkaError as error:
                log.warning("commit.failed", error=type(error).__name__)

    async def _watch(self, consumer: AIOKafkaConsumer, topic: str, waiting: asyncio.Event) -> None:
        """Lag without progress for a minute means that the client is stuck, unless it is `handle` that takes so long."""
        before: dict[TopicPartition, int] = {}
        since = time.monotonic()
        while True:
            await asyncio.sleep(STUCK / 6)
            with suppress(KafkaError, OSError):
                positions = {partition: await consumer.position(partition) for partition in consumer.assignment()}
                ends = await consumer.end_offsets(list(positions)) if positions else {}
                behind = any(ends[partition] > positions[partition] for partition in ends)
                if not behind or positions != before or not waiting.is_set():
                    before, since = positions, time.monotonic()
                elif time.monotonic() - since > STUCK:
                    self._give_up(f"consumer of {topic}")

    async def _new_producer(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            client_id=self.client,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_request_size=8_000_000,
            request_timeout_ms=20_000,
        )
        try:
            await producer.start()
        except BaseException:
            await _stop(producer)
            raise
        return producer

    async def _create(self, topics: Sequence[str]) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, client_id=self.client)
        try:
            await admin.start()
            existing = set(await admin.list_topics())
            wanted = [topic for topic in topics if topic not in existing]
            if wanted:
                configs = {"retention.ms": str(RETENTION), "max.message.bytes": "8000000"}
                made = await admin.create_topics(
                    [NewTopic(topic, self.partitions, self.replication, topic_configs=configs) for topic in wanted]
                )
                for _, code, *_ in made.topic_errors:  # the client raises none of them
                    if code not in (NoError.errno, TopicAlreadyExistsError.errno):
                        raise for_code(code)
        finally:
            await admin.close()

    def _give_up(self, who: str) -> None:
        log.critical("kafka.stuck", who=who)
        os._exit(70)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, assigned: dict[str, int], topic: str) -> None:
        self.assigned, self.topic = assigned, topic
        self.shared_out = 0  # how often

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        self.assigned[self.topic] = 0
        self.shared_out += 1

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self.assigned[self.topic] = len(assigned)


async def _stop(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(10):
            await client.stop()


def _record(message: object) -> Record:
    """Anybody may write anything to a topic: what PostgreSQL could not keep (NUL) must not stop the partition."""
    return Record(
        message.topic,  # type: ignore[attr-defined]
        (message.key or b"").decode(errors="replace").replace("\0", "\ufffd"),  # type: ignore[attr-defined]
        {name: (value or b"").replace(b"\0", b"") for name, value in message.headers},  # type: ignore[attr-defined]
        message.value or b"",  # type: ignore[attr-defined]
    )
