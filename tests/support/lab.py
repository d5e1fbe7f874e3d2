"""Probe services around the bus under test, running their real loops, with what the conformance suite asks of them."""

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.engine import make_url

from shared.bus import DeliveryTableBus
from shared.database import bind_named, open_database, open_migration_engine
from shared.kafka import STUCK, KafkaBus
from shared.messages import get_commands_topic, get_events_topic
from shared.service import Runtime, Service
from tests.support import postgres
from tests.support.postgres import create_database, execute_sql, get_server
from tests.support.probe import (
    Poke,
    ProbeReplica,
    connect_replica,
    disconnect_replica,
    make_probe_service,
    metadata,
    now,
    record_happening,
)
from tests.support.processes import Process

REPOSITORY = Path(__file__).parents[2]
TEMPLATE = "probe_template"
WITHIN = 90.0  # seconds until a wait gives up: generous, for machines that do much else
T = TypeVar("T")


async def wait_until(check: Callable[[], Awaitable[T]], what: str, within: float = WITHIN) -> T:
    """The first true answer of `check`; `AssertionError` naming `what` when there is none in time."""
    try:
        async with asyncio.timeout(within):
            while not (answer := await check()):  # noqa: ASYNC110 - databases and brokers set no event
                await asyncio.sleep(0.05)
            return answer
    except TimeoutError:
        raise AssertionError(f"not within {within:g} s: {what}") from None


class Lab:
    """Services named anew for each test, so that tests share a broker but no topic. `bootstrap` is None in process."""

    def __init__(self, bootstrap: str | None, partitions: int = 4) -> None:
        self.bootstrap, self.partitions = bootstrap, partitions
        tag = uuid.uuid4().hex[:10]
        self.sender, self.receiver, self.other = f"sender-{tag}", f"receiver-{tag}", f"other-{tag}"
        self.topics = [
            get_events_topic(self.sender),
            get_commands_topic(self.receiver),
            get_events_topic(self.receiver),
        ]
        self.in_process = DeliveryTableBus()
        self.urls: dict[str, str] = {}
        self.creating = asyncio.Lock()
        self.running: list[ProbeReplica] = []
        self.away: list[ProbeReplica] = []
        self.ahead, self.hour = timedelta(), timedelta(hours=1)

    def clock(self) -> datetime:
        return now() + self.ahead

    # -- services ----------------------------------------------------------------------------------------------------

    async def start(self, service: Service) -> ProbeReplica:
        """A replica with its loops running."""
        runtime = await self.connect(service)
        await runtime.start()
        return runtime

    async def connect(self, service: Service) -> ProbeReplica:
        """A replica whose loops do not run: the test moves it by hand."""
        bus = (
            KafkaBus(self.bootstrap, f"probe-{uuid.uuid4().hex}", self.partitions)
            if self.bootstrap
            else self.in_process
        )
        await bus.start(self.topics)
        runtime = connect_replica(service, await self.database(service.name), bus, self.clock)
        if isinstance(bus, DeliveryTableBus):
            bus.subscribe(runtime)
        self.running.append(runtime)
        return runtime

    async def stop(self, runtime: ProbeReplica) -> None:
        self.running.remove(runtime)
        await disconnect_replica(runtime)
        await runtime.bus.stop()
        if runtime.bus is self.in_process:  # it goes on to deliver into the database of whoever is away
            runtime.database = open_database(runtime.database.url)
            self.away.append(runtime)

    async def close(self) -> None:
        await asyncio.gather(*(self.stop(runtime) for runtime in list(self.running)))
        for runtime in self.away:
            await runtime.database.close()
        for url in self.urls.values():
            await postgres.drop_database(url)

    async def start_sender(self) -> ProbeReplica:
        return await self.start(make_probe_service(self.sender))

    async def start_receiver(self, replica: str = "") -> ProbeReplica:
        return await self.start(make_probe_service(self.receiver, hears=[self.sender], obeys=True, replica=replica))

    def process(self, hand: ProbeReplica, name: str, folder: Path, stuck: float = STUCK) -> Process:
        """A replica of the service of `hand` as a process of its own, to be started; the command ends with its id."""
        arguments = [hand.service.name, hand.database.url, str(self.bootstrap), str(stuck), str(uuid.uuid4())]
        command = [sys.executable, "-m", "tests.support.probe", *arguments]
        return Process(name, command, os.environ, folder / f"{name}.log", REPOSITORY)

    async def connect_hand(self) -> ProbeReplica:
        """A hand that writes the outbox of a service that hears and obeys itself, and leaves all else to processes."""
        name = f"pair-{uuid.uuid4().hex[:10]}"
        self.topics = [get_events_topic(name), get_commands_topic(name)]
        return await self.connect(make_probe_service(name))

    # -- databases ---------------------------------------------------------------------------------------------------

    async def database(self, name: str) -> str:
        async with self.creating:  # replicas of one service that start at the same time share it
            if name not in self.urls:
                self.urls[name] = await create_database("probe", TEMPLATE)
        return self.urls[name]

    @asynccontextmanager
    async def outage(self, runtime: Runtime) -> AsyncIterator[None]:
        """The database of the service breaks all connections and takes none."""
        name = make_url(runtime.database.url).database
        await execute_sql(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        await execute_sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        try:
            yield
        finally:
            await execute_sql(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")


@asynccontextmanager
async def open_lab(lab: Lab) -> AsyncIterator[Lab]:
    try:
        yield lab
    finally:
        await lab.close()


async def create_template_database() -> None:
    await execute_sql(f"CREATE DATABASE {TEMPLATE}")
    engine = open_migration_engine(get_server().get_uri(database=TEMPLATE))
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()


# -- doing -------------------------------------------------------------------------------------------------------------


async def make_things_happen(runtime: Runtime, *keys: str) -> None:
    """One thing happens to each key, each in a transaction of its own."""
    for key in keys:
        await runtime.transact(record_happening, key)


async def send_command(runtime: Runtime, receiver: str, n: int, case: str = "case", epoch: int = 1) -> None:
    """Sends the nth command about the employee `case` to the receiver."""

    class Sent(Poke):
        pass

    Sent.receiver = receiver
    poke = Sent(command_id=f"{case}/poke/{n}", case_id=case, epoch=epoch, employee_id=case, n=n)

    async def send(work: Any) -> None:
        work.send(poke)

    await runtime.transact(send)


async def plant_fault(runtime: Runtime, key: str, kind: str, n: int = 0) -> None:
    """From now on the nth message of the key goes wrong in this way; with `n` 0 each does."""
    await execute_in_service(
        runtime, "INSERT INTO faults (key, n, kind) VALUES (:key, :n, :kind)", key=key, n=n, kind=kind
    )


async def remove_faults(runtime: Runtime) -> None:
    await execute_in_service(runtime, "DELETE FROM faults")


async def execute_in_service(runtime: Runtime, sql: str, **named: Any) -> None:
    async with runtime.database.connect() as connection:
        await connection.execute(*bind_named(sql, **named))


# -- looking -----------------------------------------------------------------------------------------------------------


async def fetch_rows(runtime: Runtime, sql: str, **named: Any) -> Sequence[Mapping[str, Any]]:
    async with runtime.database.connect() as connection:
        return [dict(row) for row in await connection.fetch(*bind_named(sql, **named))]


async def fetch_value(runtime: Runtime, sql: str, **named: Any) -> Any:
    async with runtime.database.connect() as connection:
        return await connection.fetchval(*bind_named(sql, **named))


async def list_effects(runtime: Runtime) -> dict[str, list[int]]:
    """For each key the numbers of what took effect, in the order in which it did."""
    found: dict[str, list[int]] = {}
    for row in await fetch_rows(runtime, "SELECT key, n FROM effects ORDER BY id"):
        found.setdefault(row["key"], []).append(row["n"])
    return found


async def wait_for_effects(runtime: Runtime, expected: Mapping[str, Sequence[int]]) -> None:
    """Waits until as much took effect as expected, and asserts that it is that, in order, and nothing twice."""
    total = sum(len(numbers) for numbers in expected.values())

    async def enough() -> bool:
        return bool(await fetch_value(runtime, "SELECT count(*) >= :total FROM effects", total=total))

    try:
        await wait_until(enough, f"{total} effects")
    finally:
        assert await list_effects(runtime) == {key: list(numbers) for key, numbers in expected.items()}


async def wait_for_empty_outbox(runtime: Runtime) -> None:
    """Waits until the outbox has nothing left to publish."""

    async def empty() -> bool:
        return not await fetch_value(runtime, "SELECT EXISTS (SELECT 1 FROM outbox WHERE published_at IS NULL)")

    await wait_until(empty, "an empty outbox")


async def wait_for_no_waiting_key(runtime: Runtime) -> None:
    async def none() -> bool:
        return not await fetch_value(runtime, "SELECT EXISTS (SELECT 1 FROM waiting_keys)")

    await wait_until(none, "no waiting key")


async def wait_for_pause(logs: Sequence[Any]) -> None:
    async def seen() -> bool:
        return any(entry["event"] in ("consumer.paused", "relay.paused") for entry in logs)

    await wait_until(seen, "somebody who noticed the outage")
