"""Every message takes effect exactly once and in order for its key, whatever is repeated, slow or killed."""

import asyncio
import random
from collections.abc import Sequence

from shared.bus import Bus, RecordHandler
from shared.messages import Record
from shared.outbox.relay import publish_outbox
from tests.support.lab import (
    Lab,
    execute_in_service,
    fetch_rows,
    fetch_value,
    list_effects,
    make_things_happen,
    plant_fault,
    wait_for_effects,
    wait_for_empty_outbox,
    wait_until,
)
from tests.support.probe import Crash, ProbeReplica, make_probe_service

WRITERS, EACH = 16, 12


async def test_concurrent_writers_lose_nothing_and_keep_the_order_of_each_key(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    chance = random.Random(7)
    written = [[chance.choice("abcdef") for _ in range(EACH)] for _ in range(WRITERS)]

    await asyncio.gather(*(make_things_happen(sender, *keys) for keys in written))

    counts = {key: sum(keys.count(key) for keys in written) for key in "abcdef"}
    await wait_for_effects(receiver, {key: range(1, count + 1) for key, count in counts.items()})
    assert await fetch_value(receiver, "SELECT bool_and(sequence = n) FROM effects")


async def test_what_the_bus_hands_in_again_takes_effect_once(lab: Lab) -> None:
    sender, receiver = await lab.start_sender(), await lab.start_receiver()
    await make_things_happen(sender, *"aabbaab")
    await wait_for_effects(receiver, {"a": [1, 2, 3, 4], "b": [1, 2, 3]})

    await execute_in_service(sender, "UPDATE outbox SET published_at = NULL")
    await wait_for_empty_outbox(sender)
    await make_things_happen(sender, "a", "b")

    await wait_for_effects(receiver, {"a": [1, 2, 3, 4, 5], "b": [1, 2, 3, 4]})


async def test_a_crash_between_send_and_mark_publishes_twice_and_takes_effect_once(lab: Lab) -> None:
    receiver = await lab.start_receiver()
    dying = await lab.connect(make_probe_service(lab.sender))
    await make_things_happen(dying, *"aab")
    dying.bus = CrashAfterPublishing(dying.bus)

    crashed = asyncio.create_task(publish_outbox(dying))
    await asyncio.wait([crashed])

    assert isinstance(crashed.exception(), Crash)
    await wait_for_effects(receiver, {"a": [1, 2], "b": [1]})
    assert await fetch_value(dying, "SELECT count(*) FROM outbox WHERE published_at IS NULL") == 3

    sender = await lab.start_sender()
    await wait_for_empty_outbox(sender)
    await make_things_happen(sender, *"ab")
    await wait_for_effects(receiver, {"a": [1, 2, 3], "b": [1, 2]})


class Wrapped(Bus):
    """A bus under which something happens to the process that publishes."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus

    async def start(self, topics: Sequence[str]) -> None:
        await self.bus.start(topics)

    async def stop(self) -> None:
        await self.bus.stop()

    async def consume(self, topic: str, group: str, handle: RecordHandler) -> None:
        await self.bus.consume(topic, group, handle)

    def describe_fault(self) -> str | None:
        return self.bus.describe_fault()


class CrashAfterPublishing(Wrapped):
    async def publish(self, records: Sequence[Record]) -> None:
        await self.bus.publish(records)
        raise Crash


async def test_a_crash_between_commit_and_offset_takes_effect_once(lab: Lab) -> None:
    sender, dying = await lab.start_sender(), await lab.start_receiver()
    dying.doomed.set()
    await make_things_happen(sender, *"aab")
    await _consumer_of(dying)

    await lab.stop(dying)
    receiver = await lab.start_receiver()
    await make_things_happen(sender, *"ab")

    await wait_for_effects(receiver, {"a": [1, 2, 3], "b": [1, 2]})


async def _consumer_of(dying: ProbeReplica) -> None:
    """Waits until a consumer has crashed."""

    async def crashed() -> bool:
        return any(task.done() for task in dying.tasks)

    await wait_until(crashed, "a crashed consumer")


async def test_a_subscriber_that_comes_late_gets_what_was_published_meanwhile(lab: Lab) -> None:
    sender = await lab.start_sender()
    away = await lab.start_receiver()
    await make_things_happen(sender, "a")
    await wait_for_effects(away, {"a": [1]})
    await lab.stop(away)

    await make_things_happen(sender, *"aab")
    await wait_for_empty_outbox(sender)

    await wait_for_effects(await lab.start_receiver(), {"a": [1, 2, 3], "b": [1]})


async def test_a_slow_subscriber_stops_nobody_else(lab: Lab) -> None:
    sender, slow = await lab.start_sender(), await lab.start_receiver()
    quick = await lab.start(make_probe_service(lab.other, hears=[lab.sender]))
    await plant_fault(slow, "a", "slow")

    await make_things_happen(sender, *("a" * 60))
    await wait_for_effects(quick, {"a": range(1, 61)})

    assert len((await list_effects(slow)).get("a", [])) < 60
    assert await fetch_rows(slow, "SELECT 1 FROM waiting_keys") == []
    # Restarted without the fault, so that the test ends soon: the rest is there for it.
    await lab.stop(slow)
    mended = await lab.connect(make_probe_service(lab.receiver, hears=[lab.sender]))
    await execute_in_service(mended, "DELETE FROM faults")
    await mended.start()
    await wait_for_effects(mended, {"a": range(1, 61)})


async def test_of_two_relays_one_leads_and_a_stopped_leader_marks_nothing_after_it_wakes(lab: Lab) -> None:
    receiver = await lab.start_receiver()
    asleep, awake = await lab.connect(make_probe_service(lab.sender)), await lab.connect(make_probe_service(lab.sender))
    await make_things_happen(asleep, "a")
    assert await publish_outbox(asleep) == 1
    await make_things_happen(asleep, "a")
    assert await publish_outbox(awake) == 0

    bus = asleep.bus = SleepBeforePublishing(asleep.bus)
    leading = asyncio.create_task(publish_outbox(asleep))
    await asyncio.wait_for(bus.reached.wait(), 30)
    await execute_in_service(asleep, "UPDATE leases SET until = until - interval '1 minute'")
    await make_things_happen(awake, "a")
    assert await publish_outbox(awake) == 2
    await execute_in_service(awake, "UPDATE outbox SET published_at = NULL")
    bus.wake.set()
    await leading

    assert await fetch_value(awake, "SELECT count(*) FROM outbox WHERE published_at IS NULL") == 3
    assert await publish_outbox(asleep) == 0
    assert await publish_outbox(awake) == 3
    assert await fetch_value(awake, "SELECT term FROM leases WHERE name = 'relay'") == 2
    await make_things_happen(awake, "a")
    assert await publish_outbox(awake) == 1
    await wait_for_effects(receiver, {"a": [1, 2, 3, 4]})


class SleepBeforePublishing(Wrapped):
    def __init__(self, bus: Bus) -> None:
        super().__init__(bus)
        self.reached, self.wake = asyncio.Event(), asyncio.Event()

    async def publish(self, records: Sequence[Record]) -> None:
        self.reached.set()
        await self.wake.wait()
        await self.bus.publish(records)
