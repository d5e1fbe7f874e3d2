"""One PostgreSQL database per service, and the unit of work in which everything about one request or message happens."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import asyncpg
from asyncpg import Connection
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.messages import Command, Event
from shared.outbox.tables import write_outbox
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.service import Runtime

RETRIED = {"40001", "40P01"}  # serialization failure, deadlock: the transaction did nothing and may be run again
TRANSIENT = {"55P03", "25P03", "25006", "3D000"}  # lock timeout, idled too long, a standby, a database being restored
TRANSIENT_CLASSES = {"08", "40", "53", "57", "58"}  # connections, rollbacks, resources, operators, the system beneath
ATTEMPTS = 8
PATIENCE = 10.0  # seconds to wait for a connection

P = ParamSpec("P")
T = TypeVar("T")
Rows = Sequence[Mapping[str, Any]]
DIALECT = dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Database:
    """The database of a service: its address, and connections to it that are made when they are first needed."""

    url: str
    pool: asyncpg.Pool

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        """A connection of its own; each statement outside of a transaction commits by itself."""
        await self.pool  # is ready at once and connects to nothing yet
        async with self.pool.acquire(timeout=PATIENCE) as connection:
            yield connection

    async def close(self) -> None:
        await self.pool
        self.pool.terminate()


def open_database(url: str, size: int = 20, connection_class: type[Connection] = Connection) -> Database:
    """At most `size` connections. No transaction of ours may idle or wait for a lock for long: it would hold up a freeze."""
    pool = asyncpg.create_pool(
        plain(url),
        min_size=0,
        max_size=size,
        timeout=PATIENCE,
        init=_read_json,
        reset=_nothing,  # what it resets by default nobody here sets, and it costs a round trip
        connection_class=connection_class,
        statement_cache_size=500,
        max_cached_statement_lifetime=0,
        max_cacheable_statement_size=100_000,
        server_settings={
            "application_name": "holdfast",
            "timezone": "UTC",
            "idle_in_transaction_session_timeout": "5000",
            "lock_timeout": "4000",
            "statement_timeout": "120000",
            "jit": "off",
        },
    )
    return Database(plain(url), pool)


def plain(url: str) -> str:
    """The address as asyncpg reads it: libpq's form, with `sslmode` and its kin, for SQLAlchemy's driver suffix too."""
    return url.replace("+asyncpg", "", 1)


async def _read_json(connection: Connection) -> None:
    """JSON arrives read; it is sent as the text that it is. In binary form (jsonb: with its version), as COPY wants it."""
    codecs = {
        "json": (str.encode, json.loads),
        "jsonb": (lambda text: b"\x01" + text.encode(), lambda sent: json.loads(sent[1:])),
    }
    for name, (encode, decode) in codecs.items():
        await connection.set_type_codec(name, encoder=encode, decoder=decode, schema="pg_catalog", format="binary")


async def _nothing(connection: Connection) -> None:
    return


@asynccontextmanager
async def rolled_back(connection: Connection) -> AsyncIterator[None]:
    """A transaction that leaves nothing behind."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        if not connection.is_closed():
            await transaction.rollback()


def open_engine(url: str) -> AsyncEngine:
    """For migrations, which are Alembic's and so SQLAlchemy's; asyncpg reads the address here too."""

    async def connect() -> Connection:
        return await asyncpg.connect(plain(url))

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, pool_size=1)


def sqlstate(error: BaseException) -> str | None:
    return getattr(error, "sqlstate", None)


def is_transient(error: BaseException) -> bool:
    """True where the database, not the request, is the cause: trying again later is the cure."""
    if isinstance(error, OSError | asyncpg.InternalClientError):
        return True  # not reached, not in time, or the connection was ended between two statements
    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error)  # the others say that asyncpg was used wrongly: a fault of the code
    state = sqlstate(error)
    return state is not None and (state in TRANSIENT or state[:2] in TRANSIENT_CLASSES)


@lru_cache(maxsize=2_000)
def _positional(sql: str) -> tuple[str, tuple[str, ...]]:
    compiled = text(sql).compile(dialect=DIALECT)
    return str(compiled), tuple(compiled.positiontup or ())


def bind(sql: str, **named: Any) -> tuple[Any, ...]:
    """A statement with `:name` parameters as asyncpg takes it: with `$1…`, followed by the values."""
    statement, names = _positional(sql)
    return statement, *(named[name] for name in names)


def touched(status: str) -> int:
    """How many rows a statement touched, by what the server says of it: `INSERT 0 3`."""
    number = status.rpartition(" ")[2]
    return int(number) if number.isdigit() else 0


@dataclass(frozen=True)
class Outgoing:
    """A message with what it follows from: in a batch every message received causes its own."""

    message: Event | Command
    cause: str | None
    traceparent: str | None


@dataclass
class UnitOfWork:
    """One transaction: rows, journal and outgoing messages commit together or not at all. Handlers never commit.

    `actor` is the employee id or service name on whose behalf it happens, `system` the application through which;
    `now` is read once.
    """

    connection: Connection
    settings: Settings
    service: str
    now: datetime
    actor: str
    cause: str | None = None
    traceparent: str | None = None
    outgoing: list[Outgoing] = field(default_factory=list)
    system: str | None = None

    async def execute(self, sql: str, **named: Any) -> int:
        """Runs a statement with `:name` parameters; returns how many rows it touched."""
        return touched(await self.connection.execute(*bind(sql, **named)))

    async def rows(self, sql: str, **named: Any) -> Rows:
        return [dict(row) for row in await self.connection.fetch(*bind(sql, **named))]

    async def row(self, sql: str, **named: Any) -> Mapping[str, Any] | None:
        """The first row. All are fetched: a statement that is only asked for one may not run to its end."""
        found = await self.connection.fetch(*bind(sql, **named))
        return dict(found[0]) if found else None

    async def scalar(self, sql: str, **named: Any) -> Any:
        """The first column of the first row."""
        found = await self.connection.fetch(*bind(sql, **named))
        return found[0][0] if found else None

    def publish(self, *events: Event) -> None:
        """Events of this service, sent when and only when the transaction commits."""
        self._enqueue(events)

    def send(self, *commands: Command) -> None:
        """Commands to other services, sent when and only when the transaction commits."""
        self._enqueue(commands)

    def _enqueue(self, messages: Iterable[Event | Command]) -> None:
        self.outgoing.extend(Outgoing(message, self.cause, self.traceparent) for message in messages)


@asynccontextmanager
async def unit_of_work(
    runtime: "Runtime",
    actor: str,
    cause: str | None = None,
    traceparent: str | None = None,
    system: str | None = None,
) -> AsyncIterator[UnitOfWork]:
    """A transaction that commits when the block ends well and rolls back otherwise."""
    async with runtime.database.connect() as connection, connection.transaction():
        work = UnitOfWork(
            connection,
            runtime.settings,
            runtime.service.name,
            runtime.clock(),
            actor,
            cause,
            traceparent,
            system=system,
        )
        yield work
        await write_outbox(work)
    runtime.committed(sent=bool(work.outgoing))


async def transact(
    runtime: "Runtime",
    handler: Callable[Concatenate[UnitOfWork, P], Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Runs `handler(work, ...)` in a unit of work on behalf of the service itself; see `transact_as`."""
    return await transact_as(runtime, runtime.service.name, lambda work: handler(work, *args, **kwargs))


async def transact_as(runtime: "Runtime", actor: str, handler: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    """Runs `handler(work)` in a unit of work, again after a deadlock or serialization failure."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with unit_of_work(runtime, actor) as work:
                return await handler(work)
        except asyncpg.PostgresError as error:
            if sqlstate(error) not in RETRIED or attempt == ATTEMPTS:
                raise
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter, so that two do not meet again
    raise AssertionError("unreachable")
