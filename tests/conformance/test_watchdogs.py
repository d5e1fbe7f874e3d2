"""A client of Kafka that is stuck ends its process, status 70, for a supervisor to start it anew; nothing is lost."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.kafka import Broker, Proxy, private_broker, proxied
from tests.support.lab import Lab, make_things_happen, open_lab, wait_for_effects, wait_for_empty_outbox
from tests.support.probe import ProbeReplica
from tests.support.processes import Process, find_free_port

pytestmark = [pytest.mark.kafka(private=True), pytest.mark.processes]

KEYS = [f"key-{n}" for n in range(20)]
STUCK = 5.0  # seconds; a minute in life
WITHIN = 90.0  # seconds
GAVE_UP = 70


@pytest.fixture(scope="module")
def port() -> int:
    return find_free_port()


@pytest.fixture(scope="module")
def own_broker(port: int) -> Iterator[Broker]:
    """One that sends its clients to the proxy."""
    with private_broker(advertised_port=port) as broker:
        yield broker


@pytest.fixture
async def proxy(own_broker: Broker, port: int, template: None) -> AsyncIterator[Proxy]:
    async with proxied(own_broker, port) as proxy:
        yield proxy


@asynccontextmanager
async def _at_work(proxy: Proxy, folder: Path) -> AsyncIterator[tuple[ProbeReplica, Process, Process]]:
    """A hand that writes, a process at work whose watchdogs bite soon, and one that a supervisor would start after it."""
    async with open_lab(Lab(proxy.bootstrap)) as lab:
        hand = await lab.connect_hand()
        first, second = lab.process(hand, "first", folder, STUCK), lab.process(hand, "second", folder)
        try:
            first.start()
            await make_things_happen(hand, *KEYS)
            await wait_for_effects(hand, {key: [1] for key in KEYS})
            yield hand, first, second
        except BaseException:
            print(first.tail(), second.tail(), sep="\n")
            raise
        finally:
            for process in (first, second):
                await asyncio.to_thread(process.stop)


async def test_a_consumer_that_gets_nothing_though_there_is_lag_ends_its_process(proxy: Proxy, tmp_path: Path) -> None:
    async with _at_work(proxy, tmp_path) as (hand, first, second):
        proxy.withholding = True
        await make_things_happen(hand, *KEYS)
        await wait_for_empty_outbox(hand)
        assert await asyncio.to_thread(first.wait_for_end, WITHIN) == GAVE_UP
        assert "consumer of " in first.tail()
        proxy.withholding = False

        second.start()
        await make_things_happen(hand, *KEYS)
        await wait_for_effects(hand, {key: [1, 2, 3] for key in KEYS})


async def test_a_producer_without_an_answer_ends_its_process(proxy: Proxy, tmp_path: Path) -> None:
    async with _at_work(proxy, tmp_path) as (hand, first, second):
        proxy.broker.pause()
        try:
            await make_things_happen(hand, *KEYS)
            assert await asyncio.to_thread(first.wait_for_end, WITHIN) == GAVE_UP
            assert "who=producer" in first.tail()
            second.start()
        finally:
            proxy.broker.resume()

        await make_things_happen(hand, *KEYS)
        await wait_for_effects(hand, {key: [1, 2, 3] for key in KEYS})
