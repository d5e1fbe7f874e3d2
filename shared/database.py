"""One PostgreSQL database per service, and the unit of work in which everything about one request or message happens."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import asyncpg
import stamina
from asyncpg import Connection
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.calendar import get_local_day
from shared.messages import Command, Event
from shared.settings import Settings

# Serialization failure, deadlock: the transaction did nothing and may be run again.
CONFLICT_STATES = {"40001", "40P01"}
# Lock timeout, idled too long, a standby, a database being restored.
TRANSIENT_STATES = {"55P03", "25P03", "25006", "3D000"}
# Connections, rollbacks, resources, operators, the system beneath.
TRANSIENT_CLASSES = {"08", "40", "53", "57", "58"}
ATTEMPTS = 8
CONNECT_TIMEOUT = 10.0  # seconds to wait for a connection
OWN_PARAMETERS = {"now", "today", "actor"}  # what a unit of work fills into a statement by itself

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
        async with self.pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
            yield connection

    async def close(self) -> None:
        await self.pool
        self.pool.terminate()


def open_database(url: str, size: int = 20, connection_class: type[Connection] = Connection) -> Database:
    """At most `size` connections. No transaction of ours may idle or wait for a lock for long: it would hold up a freeze."""
    pool = asyncpg.create_pool(
        to_asyncpg_url(url),
        min_size=0,
        max_size=size,
        timeout=CONNECT_TIMEOUT,
        init=_set_json_codecs,
        reset=_skip_reset,  # what it resets by default nobody here sets, and it costs a round trip
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
    return Database(to_asyncpg_url(url), pool)


def to_asyncpg_url(url: str) -> str:
    """The address as asyncpg reads it: libpq's form, with `sslmode` and its kin, for SQLAlchemy's driver suffix too."""
    return url.replace("+asyncpg", "", 1)


async def _set_json_codecs(connection: Connection) -> None:
    """JSON arrives read; it is sent as the text that it is. In binary form (jsonb: with its version), as COPY wants it."""
    codecs = {
        "json": (str.encode, json.loads),
        "jsonb": (lambda text: b"\x01" + text.encode(), lambda sent: json.loads(sent[1:])),
    }
    for name, (encode, decode) in codecs.items():
        await connection.set_type_codec(name, encoder=encode, decoder=decode, schema="pg_catalog", format="binary")


async def _skip_reset(connection: Connection) -> None:
    return


@asynccontextmanager
async def rolled_back_transaction(connection: Connection) -> AsyncIterator[None]:
    """A transaction that leaves nothing behind."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        if not connection.is_closed():
            await transaction.rollback()


def open_migration_engine(url: str) -> AsyncEngine:
    """For migrations, which are Alembic's and so SQLAlchemy's; asyncpg reads the address here too."""

    async def connect() -> Connection:
        return await asyncpg.connect(to_asyncpg_url(url))

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, pool_size=1)


def get_sqlstate(error: BaseException) -> str | None:
    return getattr(error, "sqlstate", None)


def is_transient(error: BaseException) -> bool:
    """True where the database, not the request, is the cause: trying again later is the cure."""
    if isinstance(error, OSError | asyncpg.InternalClientError):
        return True  # not reached, not in time, or the connection was ended between two statements
    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error)  # the others say that asyncpg was used wrongly: a fault of the code
    state = get_sqlstate(error)
    return state is not None and (state in TRANSIENT_STATES or state[:2] in TRANSIENT_CLASSES)


@lru_cache(maxsize=2_000)
def _compile_positional(sql: str) -> tuple[str, tuple[str, ...]]:
    compiled = text(sql).compile(dialect=DIALECT)
    return str(compiled), tuple(compiled.positiontup or ())


def bind_named(sql: str, **named: Any) -> tuple[Any, ...]:
    """A statement with `:name` parameters as asyncpg takes it: with `$1…`, followed by the values."""
    statement, names = _compile_positional(sql)
    return statement, *(named[name] for name in names)


def to_columns(objects: Sequence[object], *names: str) -> dict[str, list[Any]]:
    """The values of these attributes by name, each a list in the order of the objects, as `unnest` takes them."""
    return {name: [getattr(one, name) for one in objects] for name in names}


def parse_affected_count(status: str) -> int:
    """How many rows a statement touched, by what the server says of it: `INSERT 0 3`."""
    number = status.rpartition(" ")[2]
    return int(number) if number.isdigit() else 0


@dataclass(frozen=True)
class OutgoingMessage:
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
    outgoing: list[OutgoingMessage] = field(default_factory=list)
    system: str | None = None

    def _bind(self, sql: str, named: Mapping[str, Any]) -> tuple[Any, ...]:
        statement, names = _compile_positional(sql)
        own = OWN_PARAMETERS - named.keys()
        return statement, *(getattr(self, name) if name in own else named[name] for name in names)

    async def execute(self, sql: str, **named: Any) -> int:
        """Runs a statement with `:name` parameters, of which it knows `:now`, `:today` and `:actor` by itself.

        Returns how many rows it touched.
        """
        return parse_affected_count(await self.connection.execute(*self._bind(sql, named)))

    @cached_property
    def today(self) -> date:
        """The day that it is where the company works."""
        return get_local_day(self.now, self.settings.timezone)

    async def fetch_all(self, shape: Callable[..., T], sql: str, **named: Any) -> list[T]:
        """Every row as what `shape` makes of its columns, as a dataclass does."""
        return [shape(**row) for row in await self.connection.fetch(*self._bind(sql, named))]

    async def fetch_one(self, shape: Callable[..., T], sql: str, **named: Any) -> T | None:
        """The first row, likewise. All are fetched: a statement that is only asked for one may not run to its end."""
        found = await self.connection.fetch(*self._bind(sql, named))
        return shape(**found[0]) if found else None

    async def fetch_rows(self, sql: str, **named: Any) -> Rows:
        return [dict(row) for row in await self.connection.fetch(*self._bind(sql, named))]

    async def fetch_row(self, sql: str, **named: Any) -> Mapping[str, Any] | None:
        """The first row; see `fetch_one`."""
        found = await self.connection.fetch(*self._bind(sql, named))
        return dict(found[0]) if found else None

    async def fetch_value(self, sql: str, **named: Any) -> Any:
        """The first column of the first row."""
        found = await self.connection.fetch(*self._bind(sql, named))
        return found[0][0] if found else None

    async def fetch_values(self, sql: str, **named: Any) -> list[Any]:
        """The first column of every row."""
        return [row[0] for row in await self.connection.fetch(*self._bind(sql, named))]

    def publish(self, *events: Event) -> None:
        """Events of this service, sent when and only when the transaction commits."""
        self._enqueue(events)

    def send(self, *commands: Command) -> None:
        """Commands to other services, sent when and only when the transaction commits."""
        self._enqueue(commands)

    def _enqueue(self, messages: Iterable[Event | Command]) -> None:
        self.outgoing.extend(OutgoingMessage(message, self.cause, self.traceparent) for message in messages)


async def retry_conflicts(act: Callable[[], Awaitable[T]]) -> T:
    """Runs `act`, a whole transaction, again after a deadlock or serialization failure: it did nothing."""
    async for attempt in stamina.retry_context(
        _is_conflict, attempts=ATTEMPTS, timeout=None, wait_initial=0.01, wait_jitter=0.02, wait_max=1.0
    ):
        with attempt:
            return await act()
    raise AssertionError("unreachable")


def _is_conflict(error: Exception) -> bool:
    return isinstance(error, asyncpg.PostgresError) and get_sqlstate(error) in CONFLICT_STATES
