"""Replicas and brokers come and go, as real processes: nothing is lost, nothing happens twice, nobody waits for long."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shared import kafka
from shared.kafka import PARTITIONS, KafkaBus
from tests.support.kafka import Broker, private_broker
from tests.support.lab import (
    Lab,
    fetch_rows,
    fetch_value,
    list_effects,
    make_things_happen,
    open_lab,
    wait_for_effects,
    wait_for_empty_outbox,
    wait_until,
)
from tests.support.probe import ProbeReplica
from tests.support.processes import Process

KEYS = [f"key-{n}" for n in range(40)]
STOPPED = 30.0  # seconds
LATE = 20.0  # seconds: as late as a message may take effect when a replica dies


@pytest.fixture
async def lab(broker: Broker, template: None) -> AsyncIterator[Lab]:
    async with open_lab(Lab(broker.bootstrap, PARTITIONS)) as over_kafka:
        yield over_kafka


async def _shared(first: ProbeReplica, second: ProbeReplica, shares: tuple[int, ...]) -> None:
    async def divided() -> bool:
        return all(
            tuple(sorted(_assigned(replica, topic) for replica in (first, second))) == shares for topic in first.topics
        )

    await wait_until(divided, f"partitions shared {shares}")


def _assigned(replica: ProbeReplica, topic: str) -> int:
    assert isinstance(replica.bus, KafkaBus)
    return replica.bus.assigned.get(topic, 0)


@pytest.mark.kafka
async def test_two_replicas_share_the_partitions_and_one_takes_over_those_of_the_other(lab: Lab) -> None:
    sender = await lab.start_sender()
    first, second = await lab.start_receiver("first"), await lab.start_receiver("second")
    await _shared(first, second, (PARTITIONS // 2, PARTITIONS // 2))

    await make_things_happen(sender, *KEYS, *KEYS)
    await wait_for_effects(first, {key: [1, 2] for key in KEYS})
    workers = await fetch_rows(first, "SELECT key, array_agg(DISTINCT replica) AS replicas FROM effects GROUP BY key")
    assert {tuple(row["replicas"]) for row in workers} == {("first",), ("second",)}

    await asyncio.gather(make_things_happen(sender, *KEYS, *KEYS), lab.stop(second))
    await _shared(first, second, (0, PARTITIONS))
    await make_things_happen(sender, *KEYS)
    await wait_for_effects(first, {key: range(1, 6) for key in KEYS})


@pytest.mark.kafka(private=True)
async def test_a_broker_killed_and_restarted_loses_nothing(monkeypatch: pytest.MonkeyPatch, template: None) -> None:
    monkeypatch.setattr(
        kafka, "STUCK", 600
    )  # a laden machine may need longer to start a broker than the watchdog waits
    with private_broker() as broker:
        async with open_lab(Lab(broker.bootstrap)) as lab:
            sender, receiver = await lab.start_sender(), await lab.start_receiver()
            written = asyncio.create_task(_write_until(stop := asyncio.Event(), sender))
            await _some_effects(receiver)

            broker.kill()
            await _unpublished(sender)
            await asyncio.to_thread(broker.start)
            await _some_effects(receiver)
            stop.set()

            rounds = await written
            await wait_for_effects(receiver, {key: range(1, rounds + 1) for key in KEYS})
            await wait_for_empty_outbox(sender)
            assert not await fetch_rows(receiver, "SELECT 1 FROM waiting_keys")


async def _write_until(stop: asyncio.Event, sender: ProbeReplica, pause: float = 0.02) -> int:
    """Writes to all keys in turn; how often to each."""
    rounds = 0
    while not stop.is_set():
        for key in KEYS:
            await make_things_happen(sender, key)
            await asyncio.sleep(pause)
        rounds += 1
    return rounds


async def _some_effects(receiver: ProbeReplica, where: str = "true") -> None:
    """Waits until something more takes effect."""
    before = await fetch_value(receiver, f"SELECT count(*) FROM effects WHERE {where}")

    async def more() -> bool:
        return bool(await fetch_value(receiver, f"SELECT count(*) > :before FROM effects WHERE {where}", before=before))

    await wait_until(more, f"another effect where {where}")


async def _unpublished(sender: ProbeReplica) -> None:
    async def some() -> bool:
        return bool(await fetch_value(sender, "SELECT count(*) > 50 FROM outbox WHERE published_at IS NULL"))

    await wait_until(some, "messages that wait for the broker")


# -- replicas as processes of their own --------------------------------------------------------------------------------


@asynccontextmanager
async def _pair(lab: Lab, folder: Path) -> AsyncIterator[tuple[ProbeReplica, dict[str, Process]]]:
    """Two processes of one service that hears itself, by replica id, both at work; and a hand that writes its outbox."""
    hand = await lab.connect_hand()
    replicas = [lab.process(hand, f"replica {number}", folder) for number in (1, 2)]
    processes = {replica.command[-1]: replica for replica in replicas}
    for process in replicas:
        process.start()
    try:
        await _all_work(hand, processes)
        yield hand, processes
    except BaseException:
        print(*(process.tail() for process in processes.values()), sep="\n")
        raise
    finally:
        for process in processes.values():
            await asyncio.to_thread(process.stop)


async def _all_work(hand: ProbeReplica, processes: dict[str, Process]) -> None:
    """Writes until each process has a part in what takes effect."""
    working: set[str] = set()

    async def all_do() -> bool:
        before = await fetch_value(hand, "SELECT coalesce(max(id), 0) FROM effects")
        await make_things_happen(hand, *KEYS)
        await wait_until(_reached(hand), "effects of all that was written")
        found = await fetch_rows(hand, "SELECT DISTINCT replica FROM effects WHERE id > :before", before=before)
        working.clear()
        working.update(row["replica"] for row in found)
        return working == set(processes)

    await wait_until(all_do, "a part of the work for each process")


def _reached(hand: ProbeReplica) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        return bool(await fetch_value(hand, "SELECT (SELECT count(*) FROM effects) >= (SELECT sum(n) FROM aggregates)"))

    return reached


async def _leader(hand: ProbeReplica) -> str:
    return str(await fetch_value(hand, "SELECT CAST(holder AS text) FROM leases WHERE name = 'relay'"))


async def _each_once_in_order(hand: ProbeReplica) -> None:
    await wait_until(_reached(hand), "effects of all that was written")
    counts = await fetch_rows(hand, "SELECT key, n FROM aggregates")
    assert await list_effects(hand) == {row["key"]: list(range(1, row["n"] + 1)) for row in counts}
    assert not await fetch_rows(hand, "SELECT 1 FROM waiting_keys")
    await wait_for_empty_outbox(hand)


@pytest.mark.kafka
@pytest.mark.processes
async def test_a_replica_killed_at_work_and_started_again_loses_and_repeats_nothing(lab: Lab, tmp_path: Path) -> None:
    async with _pair(lab, tmp_path) as (hand, processes):
        victim = processes[await _leader(hand)]
        writing = asyncio.create_task(_write_until(stop := asyncio.Event(), hand, 0.005))
        await _some_effects(hand)

        victim.kill()
        await _some_effects(hand)
        victim.start()
        await _some_effects(hand, f"replica = '{victim.command[-1]}'")
        stop.set()
        await writing

        await _each_once_in_order(hand)


@pytest.mark.kafka
@pytest.mark.processes
async def test_a_replica_stopped_for_30_s_and_woken_does_no_harm_and_delays_nobody_for_long(
    lab: Lab, tmp_path: Path
) -> None:
    async with _pair(lab, tmp_path) as (hand, processes):
        leader = await _leader(hand)
        sleeper = processes[leader]
        writing = asyncio.create_task(_write_until(stop := asyncio.Event(), hand))
        await _some_effects(hand)

        sleeper.pause()
        loop = asyncio.get_running_loop()
        asleep = asyncio.Event()
        loop.call_later(STOPPED, asleep.set)
        await asleep.wait()
        assert await _leader(hand) != leader
        sleeper.resume()
        await _some_effects(hand, f"replica = '{leader}'")
        stop.set()
        await writing

        await _each_once_in_order(hand)
        assert await fetch_value(hand, "SELECT extract(epoch FROM max(at - sent_at)) FROM effects") < LATE
        assert sleeper.alive()
