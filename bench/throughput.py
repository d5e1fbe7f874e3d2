"""Messages a second from the outbox over Kafka to their effect, against the slowest of the three things that it does.

The sender's relay and the receiver are two processes, as in the distributed mode; every effect is an inbox row, two
statements and a commit that covers the messages that arrived together.
"""

import asyncio
import subprocess
import sys
import time
import uuid

import asyncpg
from aiokafka import AIOKafkaProducer

from bench.figures import FigureRow, start_server
from services.cli.server import run_on_server_loop
from shared.database import open_migration_engine
from shared.kafka import KafkaBus
from shared.messages import encode_record, get_events_topic
from shared.service import Runtime
from tests.support.kafka import private_broker
from tests.support.probe import Happened, connect_replica, disconnect_replica, make_probe_service, metadata

MESSAGES, KEYS, BATCH = 10_000, 300, 500
FLOOR = 10.0  # seconds that pgbench runs
BODY = b"x" * 300


def measure() -> list[FigureRow]:
    with private_broker() as broker:
        return run_on_server_loop(measure_throughput(broker.bootstrap))


async def measure_throughput(bootstrap: str) -> list[FigureRow]:
    tag = uuid.uuid4().hex[:8]
    sender_name, receiver_name = f"sender{tag}", f"receiver{tag}"
    urls = {name: await _create_database(name) for name in (sender_name, receiver_name)}
    bus = KafkaBus(bootstrap, client="bench")
    await bus.start([get_events_topic(sender_name)])
    sender = connect_replica(make_probe_service(sender_name), urls[sender_name], bus)
    await _fill_outbox(sender)
    receiver = subprocess.Popen(
        [sys.executable, "-m", "bench.throughput", receiver_name, sender_name, urls[receiver_name], bootstrap]
    )
    counting = await asyncpg.connect(urls[receiver_name])
    try:
        await _wait_for_receiver(sender, counting)
        await sender.start()
        sender.unsent.set()
        begun = time.perf_counter()
        while await counting.fetchval("SELECT count(*) FROM effects") < MESSAGES:
            await asyncio.sleep(0.05)
        ours = MESSAGES / (time.perf_counter() - begun)
    finally:
        receiver.terminate()
        receiver.wait(20)
        await counting.close()
        await disconnect_replica(sender)
        await bus.stop()
    peers = {
        "pgbench insert": await _measure_pgbench(),
        "raw aiokafka produce": await _measure_producer(bootstrap),
        "raw batched insert": await _measure_inserts(),
    }
    slowest = min(peers, key=lambda name: peers[name])
    return [
        FigureRow(
            figure="outbox → Kafka → effect",
            value=f"{ours:,.0f} messages/s",
            against=f"{slowest}: {peers[slowest]:,.0f}/s",
            ratio=round(ours / peers[slowest], 2),
            aim="≥ 0.4",
            note=", ".join(f"{name} {rate:,.0f}/s" for name, rate in peers.items()),
        )
    ]


async def _create_database(name: str) -> str:
    await _execute(f"CREATE DATABASE {name}")
    url: str = start_server().get_uri(database=name)
    engine = open_migration_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    return url


async def _execute(sql: str) -> None:
    connection = await asyncpg.connect(start_server().get_uri(database="postgres"))
    await connection.execute(sql)
    await connection.close()


async def _fill_outbox(sender: Runtime) -> None:
    for start in range(0, MESSAGES, BATCH):
        async with sender.unit_of_work("bench") as work:
            work.publish(*(Happened(key=str(n % KEYS), n=n) for n in range(start, start + BATCH)))


async def _wait_for_receiver(sender: Runtime, counting: asyncpg.Connection) -> None:
    """Waits until the receiver has its partitions: what is measured is the flow, not the start of a group."""
    async with sender.unit_of_work("bench") as work:
        work.publish(Happened(key="warm", n=0))
    await sender.bus.publish([])
    deadline = time.perf_counter() + 60
    async with sender.database.connect() as connection:
        row = await connection.fetchrow(
            "UPDATE outbox SET published_at = now() WHERE id = (SELECT max(id) FROM outbox) RETURNING *"
        )
    await sender.bus.publish([encode_record({**row, "source": "/holdfast/bench"})])
    while not await counting.fetchval("SELECT count(*) FROM effects"):
        if time.perf_counter() > deadline:
            raise TimeoutError("the receiver does not start")
        await asyncio.sleep(0.05)
    await counting.execute("DELETE FROM effects")


async def _measure_pgbench() -> float:
    """Single-row inserts, each committed, by 8 connections."""
    await _execute("DROP TABLE IF EXISTS floor")
    await _execute("CREATE TABLE floor (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text, body text)")
    script = "INSERT INTO floor (key, body) VALUES ('k', repeat('x', 300));"
    program = start_server().bin_path / "pgbench"
    url = start_server().get_uri(database="postgres")
    done = subprocess.run(
        [program, *f"-n -c 8 -j 2 -T {FLOOR:.0f} -f -".split(), url],
        input=script,
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("tps"))
    return float(line.split("=")[1].split()[0])


async def _measure_producer(bootstrap: str) -> float:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    bus = KafkaBus(bootstrap, client="floor")
    await bus.start(["floor"])
    await bus.stop()
    await producer.start()
    begun = time.perf_counter()
    sent = [await producer.send("floor", BODY, str(n % KEYS).encode()) for n in range(MESSAGES)]
    await asyncio.gather(*sent)
    rate = MESSAGES / (time.perf_counter() - begun)
    await producer.stop()
    return rate


async def _measure_inserts() -> float:
    """Rows a second by statements of 500 rows, each committed, on one connection."""
    connection = await asyncpg.connect(start_server().get_uri(database="postgres"))
    keys, bodies = [str(n) for n in range(BATCH)], ["x" * 300] * BATCH
    begun = time.perf_counter()
    for _ in range(MESSAGES // BATCH):
        await connection.execute(
            "INSERT INTO floor (key, body) SELECT * FROM unnest($1::text[], $2::text[])", keys, bodies
        )
    rate = MESSAGES / (time.perf_counter() - begun)
    await connection.close()
    return rate


async def run_receiver(name: str, sender: str, url: str, bootstrap: str) -> None:
    """The receiver, in a process of its own, until it is terminated."""
    bus = KafkaBus(bootstrap, client=name)
    runtime = connect_replica(make_probe_service(name, hears=[sender]), url, bus)
    await bus.start([get_events_topic(sender)])
    await runtime.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    run_on_server_loop(run_receiver(*sys.argv[1:]))
