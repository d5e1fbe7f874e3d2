"""From the webhook accepted to the refusal by every replica, over Kafka, against the bare statements and one round trip.

Services are processes, as `holdfast serve` starts them: staff, orders, offboarding and two replicas of `clients`. The
statements are those that the embedded mode executed for one departure each, less what only its bus does.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.departures import (
    BareDatabases,
    DeparturePath,
    import_company,
    list_leaver_ids,
    open_recorded_system,
    send_resignation,
    wait_until_at_rest,
)
from bench.figures import FigureRow, format_ms, p50, p99, start_server
from services.cli.server import run_on_server_loop
from services.cli.system import System
from services.wiring import ServiceRoutingTransport
from shared.auth import create_key_file, make_token_keys
from shared.kafka import KafkaBus
from shared.settings import SERVICES, Settings
from tests.support.kafka import private_broker
from tests.support.processes import Process, find_free_port, is_answering

LEAVERS, WARM = 130, 10
RECORDED_PATHS = 60  # of these the bare statements are run
REPLICAS = (("staff", 1), ("clients", 2), ("orders", 1), ("offboarding", 1))
TAG, TOPIC = "bench_kafka", "bench.round-trip"
ONLY_EMBEDDED = ("INSERT INTO deliveries", "FROM deliveries WHERE topic")


@dataclass(frozen=True)
class RunningServices:
    """The running services: `staff` and each replica of `clients` by their own addresses."""

    staff: System
    clients: Sequence[System]

    async def depart(self, employee_id: str, database: asyncpg.Connection) -> float:
        """Seconds from the answer to the webhook to the refusal by the last replica.

        Replicas are asked as soon as the freeze stands in the database of `clients`: before, they cannot refuse, and
        asking them all the time would take the processors away from what is measured.
        """
        await send_resignation(self.staff, employee_id)
        accepted = time.perf_counter()
        while not await database.fetchval("SELECT frozen FROM people WHERE employee_id = $1", employee_id):
            await asyncio.sleep(0.001)
        await asyncio.gather(*(_wait_until_refused(replica, employee_id) for replica in self.clients))
        return time.perf_counter() - accepted


async def _wait_until_refused(replica: System, employee_id: str) -> None:
    question = {"employee_id": employee_id, "client_id": f"{employee_id}.0", "action": "read"}
    while True:
        answer = await replica.call("POST", "/clients/v1/access/check", "service", json=question)
        if answer.json()["reason"] == "frozen":
            return


class BrokerRoundTrip:
    """One message over the broker and back."""

    def __init__(self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer) -> None:
        self.producer, self.consumer = producer, consumer

    async def once(self) -> float:
        begun = time.perf_counter()
        await self.producer.send_and_wait(TOPIC, b"x" * 600, partition=0)
        await self.consumer.getone()
        return time.perf_counter() - begun


@asynccontextmanager
async def run_services(folder: Path, bootstrap: str) -> AsyncIterator[RunningServices]:
    key = create_key_file(folder / "key.pem")
    env = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "HOLDFAST_SIGNING_KEY_FILE": str(folder / "key.pem"),
        "HOLDFAST_HOLD_DEPARTURES_ABOVE": "1000000",
        "HOLDFAST_LAST_RESORT": "head",
    }
    ports = {name: [find_free_port() for _ in range(replicas)] for name, replicas in REPLICAS}
    for name in SERVICES:
        env[f"HOLDFAST_{name.upper()}_URL"] = _address(ports[name][0])
        env[f"HOLDFAST_{name.upper()}_DATABASE_URL"] = start_server().get_uri(database=f"{TAG}_{name}")
    holdfast = [sys.executable, "-m", "services"]
    migrating = Process("migrate", [*holdfast, "migrate"], env, folder / "migrate.log")
    migrating.start()
    assert migrating.wait_for_end(120) == 0, migrating.tail()
    async with AsyncExitStack() as stack:
        processes = {}
        for name, numbers in ports.items():
            for port in numbers:
                command = [*holdfast, "serve", name, "--port", str(port)]
                processes[port] = Process(f"{name}-{port}", command, env, folder / f"{name}-{port}.log")
                stack.callback(processes[port].stop)
                processes[port].start()
        for port, process in processes.items():
            await asyncio.to_thread(
                process.wait_until, partial(is_answering, f"{_address(port)}/readyz"), 120, "is ready"
            )
        systems = {}
        for port in processes:
            http = httpx.AsyncClient(base_url=_address(port), timeout=60, trust_env=False)
            systems[port] = System(await stack.enter_async_context(http), make_token_keys(Settings(), key))
        homes = Settings.model_validate({f"{name}_url": _address(numbers[0]) for name, numbers in ports.items()})
        http = httpx.AsyncClient(transport=ServiceRoutingTransport(homes), base_url="http://holdfast", timeout=60)
        await import_company(System(await stack.enter_async_context(http), make_token_keys(Settings(), key)), LEAVERS)
        yield RunningServices(systems[ports["staff"][0]], [systems[port] for port in ports["clients"]])


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}"


@asynccontextmanager
async def open_round_trip(bootstrap: str) -> AsyncIterator[BrokerRoundTrip]:
    bus = KafkaBus(bootstrap, client="bench", partitions=1)
    await bus.start([TOPIC])
    await bus.stop()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="latest")
    await producer.start()
    await consumer.start()
    consumer.assign([TopicPartition(TOPIC, 0)])
    await consumer.seek_to_end()
    try:
        yield BrokerRoundTrip(producer, consumer)
    finally:
        await producer.stop()
        await consumer.stop()


async def record_paths(folder: Path) -> list[DeparturePath]:
    """The ways of departures in the embedded mode, without what its bus does in the database."""
    async with open_recorded_system(folder, "bench_written", RECORDED_PATHS) as (holdfast, _):
        ways = [(await holdfast.depart(leaver))[1] for leaver in list_leaver_ids(RECORDED_PATHS)]
    return [
        replace(way, steps=[step for step in way.steps if not any(step.has(sql) for sql in ONLY_EMBEDDED)])
        for way in ways
    ]


def measure() -> list[FigureRow]:
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder, private_broker() as broker:
        return run_on_server_loop(measure_departures(Path(folder), broker.bootstrap))


async def measure_departures(folder: Path, bootstrap: str) -> list[FigureRow]:
    ways = await record_paths(folder)
    ours, bare_times, trips = [], [], []
    async with AsyncExitStack() as stack:
        holdfast = await stack.enter_async_context(run_services(folder, bootstrap))
        broker = await stack.enter_async_context(open_round_trip(bootstrap))
        databases = {name: await _connect(f"{TAG}_{name}", stack) for name in SERVICES}
        bare = BareDatabases(
            {name: await _connect(f"bench_written_{name}_bare", stack) for name in ("staff", "clients")}
        )
        for number, leaver in enumerate(list_leaver_ids(LEAVERS)):
            ours.append(await holdfast.depart(leaver, databases["clients"]))
            await wait_until_at_rest(databases, leaver)
            trips.append(await broker.once())
            if number < len(ways):
                bare_times.append(await bare.follow(ways[number]))
    ours = ours[WARM:]
    statements, trip = p50(bare_times[WARM:]), p50(trips[WARM:])
    floor = statements + trip
    note = (
        f"{len(ours)} departures, {REPLICAS[1][1]} replicas of clients asked over HTTP; "
        f"statements {format_ms(statements)}, round trip {format_ms(trip)} (p99 {format_ms(p99(trips[WARM:]))})"
    )
    return [
        FigureRow(
            figure=f"webhook accepted → every replica denies, Kafka, {name}",
            value=format_ms(value),
            against=f"the bare statements + one aiokafka round trip, p50: {format_ms(floor)}",
            ratio=round(value / floor, 2),
            aim=aim,
            note=note,
        )
        for name, value, aim in (("p50", p50(ours), "≤ 2.5"), ("p99", p99(ours), "≤ 8"))
    ]


async def _connect(database: str, stack: AsyncExitStack) -> asyncpg.Connection:
    connection = await asyncpg.connect(start_server().get_uri(database=database))
    stack.push_async_callback(connection.close)
    return connection
