"""A small service that shows what a bus does to messages: each leaves a row in `effects`; `faults` makes some go wrong.

As a process: `python -m tests.support.probe NAME DATABASE_URL BOOTSTRAP STUCK REPLICA_ID` runs one replica, over Kafka,
of a service that hears and obeys itself, with watchdogs that wait STUCK seconds.
"""

import asyncio
import signal
import sys
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx
from asyncpg import Connection
from joserfc.jwk import OKPKey
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
)

from shared import kafka
from shared.auth import make_token_keys
from shared.bus import Bus
from shared.contracts.clients import CommandAnswered, JournalEntry, Result
from shared.database import UnitOfWork, open_database
from shared.errors import Refused
from shared.kafka import KafkaBus
from shared.messages import Command, Envelope, Event, Record, get_commands_topic, get_events_topic
from shared.outbox.tables import add_chassis_tables
from shared.replica import Replica
from shared.service import Runtime, Service
from shared.settings import Settings

KEY = OKPKey.generate_key("Ed25519")
SLOW = 0.2  # seconds that a slow message takes
FIRST_LOCK, SECOND_LOCK = 1, 2  # advisory locks, which a message of the kind "deadlock" takes in this order

metadata = MetaData()
add_chassis_tables(metadata)
Table("aggregates", metadata, Column("key", Text, primary_key=True), Column("n", Integer, nullable=False))
Table(
    "effects",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("key", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("replica", Text, nullable=False),
    Column("sent_at", DateTime(timezone=True), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)
Table(
    "faults",
    metadata,
    Column("key", Text),
    Column("n", Integer),
    Column("kind", Text, nullable=False),
    PrimaryKeyConstraint("key", "n"),
)


class Happened(Event):
    """The nth thing that happened to `key`."""

    type: ClassVar[str] = "probe.happened"
    key: str
    n: int

    @property
    def subject(self) -> str:
        return f"probe/{self.key}"


class Poke(Command):
    """A command; its effect has the key `employee_id`."""

    type: ClassVar[str] = "poke"
    receiver: ClassVar[str] = "probe"
    n: int


class Unwilling(Refused, code="unwilling"):
    """A rule says no."""


class Crash(BaseException):
    """Not an Exception: nothing in the system may catch it."""


@dataclass
class ProbeReplica(Replica):
    """A replica that dies after the next commit of its consumers, before the bus hears of it, once it is `doomed`.

    It keeps the errors that its consumers `raised` to the bus.
    """

    doomed: asyncio.Event = field(default_factory=asyncio.Event)
    raised: list[Exception] = field(default_factory=list)

    async def receive(self, records: Sequence[Record]) -> None:
        try:
            await super().receive(records)
        except Exception as error:
            self.raised.append(error)
            raise
        if self.doomed.is_set():
            raise Crash


def make_probe_service(name: str, *, hears: Sequence[str] = (), obeys: bool = False, replica: str = "") -> Service:
    """A service that takes `Happened` from the services it hears, and `Poke` if it obeys."""

    async def take(work: UnitOfWork, envelope: Envelope[Happened]) -> None:
        await _effect(work, envelope, envelope.data.key, envelope.data.n, replica)

    async def obey(work: UnitOfWork, envelope: Envelope[Poke]) -> list[Result]:
        command = envelope.data
        await _effect(work, envelope, command.employee_id, command.n, replica)
        return [Result(id=str(command.n), outcome="done")]

    return Service(
        name=name,
        summary="Shows what a bus does to messages",
        routers=(),
        metadata=metadata,
        publishes=(Happened, CommandAnswered, JournalEntry),
        subscribes={source: {Happened: take} for source in hears},
        obeys={Poke: obey} if obeys else {},
        are_roles_frozen=_nobody,
        republish=_nothing,
    )


async def record_happening(work: UnitOfWork, key: str) -> None:
    """One more thing happens to `key`: locks it, counts it and tells."""
    n = await work.fetch_value(
        """
        INSERT INTO aggregates AS a (key, n) VALUES (:key, 1)
        ON CONFLICT (key) DO UPDATE SET n = a.n + 1 RETURNING n
        """,
        key=key,
    )
    work.publish(Happened(key=key, n=n))


async def _effect(work: UnitOfWork, envelope: Envelope[Any], key: str, n: int, replica: str) -> None:
    fault = await work.fetch_value(
        """
        WITH noted AS (
            INSERT INTO effects (key, n, sequence, replica, sent_at) VALUES (:key, :n, :sequence, :replica, :sent_at)
        )
        SELECT kind FROM faults WHERE key = :key AND n IN (:n, 0)
        """,
        key=key,
        n=n,
        sequence=envelope.sequence,
        replica=replica,
        sent_at=envelope.time,
    )
    if fault:
        await FAULTS[fault](work)


async def _poison(work: UnitOfWork) -> None:
    raise ZeroDivisionError


async def _wrong_use(work: UnitOfWork) -> None:
    await work.connection.fetch("SELECT CAST($1 AS int)")  # without the argument


async def _slow(work: UnitOfWork) -> None:
    await work.execute("SELECT pg_sleep(:seconds)", seconds=SLOW)


async def _locked(work: UnitOfWork) -> None:
    """Needs a row that the test may hold, and waits less long for it than a service would."""
    await work.execute("SET LOCAL lock_timeout = '50ms'")
    await work.execute("SELECT 1 FROM faults WHERE kind = 'locked' FOR UPDATE")


async def _too_slow(work: UnitOfWork) -> None:
    await work.execute("SET LOCAL statement_timeout = '50ms'")
    await work.execute("SELECT pg_sleep(60)")


async def _deadlock(work: UnitOfWork) -> None:
    """Who meets somebody with the second lock who waits for the first is the one that the database gives up."""
    await work.execute("SET LOCAL deadlock_timeout = '100ms'")
    await work.execute("SELECT pg_advisory_xact_lock(:key)", key=FIRST_LOCK)
    await work.execute("SELECT pg_advisory_xact_lock(:key)", key=SECOND_LOCK)


async def _refused(work: UnitOfWork) -> None:
    work.publish(Happened(key="never", n=1))
    raise Unwilling


FAULTS: Mapping[str, Callable[[UnitOfWork], Awaitable[None]]] = {
    "poison": _poison,
    "wrong use": _wrong_use,
    "slow": _slow,
    "locked": _locked,
    "too slow": _too_slow,
    "deadlock": _deadlock,
    "refused": _refused,
}


async def _nobody(connection: Connection, sub: str) -> bool:
    return False


async def _nothing(runtime: Runtime) -> int:
    return 0


def now() -> datetime:
    return datetime.now(UTC)


def connect_replica(
    service: Service, url: str, bus: Bus, clock: Callable[[], datetime] = now, replica_id: uuid.UUID | None = None
) -> ProbeReplica:
    """One replica, connected and not started."""
    return ProbeReplica(
        service=service,
        settings=Settings(),
        database=open_database(url, 10),
        bus=bus,
        keys=make_token_keys(Settings(), KEY),
        http_client=httpx.AsyncClient(),
        clock=clock,
        id=replica_id or uuid.uuid4(),
    )


async def disconnect_replica(runtime: Replica) -> None:
    await runtime.stop()
    await runtime.http_client.aclose()
    await runtime.database.close()


async def main(name: str, url: str, bootstrap: str, stuck: str, replica: str) -> None:
    """Runs until SIGTERM."""
    kafka.STUCK = float(stuck)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    bus = KafkaBus(bootstrap, client=f"{name}-{replica}")
    service = make_probe_service(name, hears=[name], obeys=True, replica=replica)
    runtime = connect_replica(service, url, bus, replica_id=uuid.UUID(replica))
    await bus.start([get_events_topic(name), get_commands_topic(name)])
    await runtime.start()
    await ended.wait()
    await disconnect_replica(runtime)
    await bus.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
