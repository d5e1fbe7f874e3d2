"""What only a bus over Kafka can get wrong."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Sequence

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from structlog.testing import capture_logs

from shared import kafka
from shared.kafka import AT_ONCE, PARTITIONS, KafkaBus
from shared.messages import Record
from tests.support.kafka import Broker
from tests.support.lab import (
    Lab,
    fetch_value,
    make_things_happen,
    open_lab,
    plant_fault,
    wait_for_effects,
    wait_for_empty_outbox,
    wait_until,
)
from tests.support.probe import make_probe_service

pytestmark = pytest.mark.kafka


class Watched(KafkaBus):
    """Notes that it would have ended the process."""

    gave_up = False

    def _give_up(self, who: str) -> None:
        self.gave_up = True


async def test_work_that_takes_long_is_not_taken_for_a_stuck_client(
    broker: Broker, template: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_lab(Lab(broker.bootstrap)) as lab:
        sender = await lab.start_sender()
        await make_things_happen(sender, *("a" * 20))
        await wait_for_empty_outbox(sender)
        receiver = await lab.connect(make_probe_service(lab.receiver, hears=[lab.sender]))
        await receiver.bus.stop()
        receiver.bus = bus = Watched(broker.bootstrap, "watched")
        await bus.start(lab.topics)
        await plant_fault(receiver, "a", "slow")

        with monkeypatch.context() as impatient:
            impatient.setattr(kafka, "STUCK", 0.6)
            await receiver.start()
            await wait_for_effects(receiver, {"a": range(1, 21)})

        assert not bus.gave_up


async def test_a_topic_that_cannot_be_created_keeps_the_bus_from_starting(broker: Broker) -> None:
    bus = KafkaBus(broker.bootstrap, "greedy", partitions=1, replication=999)
    with capture_logs() as logs:
        starting = asyncio.create_task(bus.start([f"holdfast.test-{uuid.uuid4().hex}.events"]))

        async def refused() -> bool:
            return bool([entry for entry in logs if entry["event"] == "kafka.unreachable"])

        await wait_until(refused, "a refusal of the broker")
    assert not starting.done()
    assert bus.describe_fault() == "not connected"
    starting.cancel()
    await asyncio.wait([starting])


async def test_a_bus_that_starts_before_its_broker_waits_for_it(broker: Broker) -> None:
    bus = KafkaBus("127.0.0.1:1", "early")
    with capture_logs() as logs:
        starting = asyncio.create_task(bus.start([f"holdfast.test-{uuid.uuid4().hex}.events"]))

        async def tried_twice() -> bool:
            return len([entry for entry in logs if entry["event"] == "kafka.unreachable"]) >= 2

        await wait_until(tried_twice, "two attempts to connect")
        bus.bootstrap = broker.bootstrap
        await asyncio.wait_for(starting, 60)
    assert bus.describe_fault() is None
    await bus.stop()


async def test_a_topic_made_by_another_replica_in_the_same_instant_is_no_fault(broker: Broker, template: None) -> None:
    async with open_lab(Lab(broker.bootstrap)) as lab:
        receiver, *_ = await asyncio.gather(*(lab.start_receiver() for _ in range(3)))
        await make_things_happen(await lab.start_sender(), *"aab")
        await wait_for_effects(receiver, {"a": [1, 2], "b": [1]})
        assert await fetch_value(receiver, "SELECT count(*) FROM waiting_keys") == 0


async def test_topics_have_their_partitions_and_30_days(broker: Broker) -> None:
    topic = f"holdfast.test-{uuid.uuid4().hex}.events"
    bus = KafkaBus(broker.bootstrap, "founder")
    await bus.start([topic])
    await bus.stop()

    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    (described,) = await admin.describe_topics([topic])
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    await admin.close()

    ((_, _, _, _, entries),) = answer.resources
    assert len(described["partitions"]) == PARTITIONS == 12
    assert {name: value for name, value, *_ in entries}["retention.ms"] == str(30 * 24 * 60 * 60 * 1000)


async def test_a_backlog_takes_few_places_at_once_and_none_of_another_topic(broker: Broker) -> None:
    backlog, urgent = (f"holdfast.test-{uuid.uuid4().hex}.{kind}" for kind in ("events", "commands"))
    bus = KafkaBus(broker.bootstrap, "laden")
    await bus.start([backlog, urgent])
    numbers = [str(n).encode() for n in range(12)]
    keys = [f"probe/{n}" for n in range(60)]  # as many as it takes to leave none of the partitions empty
    await bus.publish([Record(backlog, key, {}, number) for number in numbers for key in keys])

    arrived: dict[str, list[bytes]] = defaultdict(list)
    at_work, most = 0, 0
    go_on, obeyed = asyncio.Event(), asyncio.Event()

    async def work(records: Sequence[Record]) -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await go_on.wait()
        for record in records:
            arrived[record.key].append(record.body)
        at_work -= 1

    async def obey(records: Sequence[Record]) -> None:
        obeyed.set()

    async def all_places_taken() -> bool:
        return at_work >= AT_ONCE

    async def all_arrived() -> bool:
        return sum(map(len, arrived.values())) >= len(keys) * len(numbers)

    consuming = [
        asyncio.create_task(bus.consume(topic, "laden", do)) for topic, do in ((backlog, work), (urgent, obey))
    ]
    try:
        await wait_until(all_places_taken, f"{AT_ONCE} partitions at once")
        await bus.publish([Record(urgent, "probe/1", {}, b"now")])
        await asyncio.wait_for(obeyed.wait(), 60)
        assert not arrived
        go_on.set()
        await wait_until(all_arrived, "all that was published")
    finally:
        for task in consuming:
            task.cancel()
        await asyncio.wait(consuming)
        await bus.stop()

    assert most == AT_ONCE
    assert arrived == dict.fromkeys(keys, numbers)
