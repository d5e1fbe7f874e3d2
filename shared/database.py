"""One PostgreSQL database per service, and the unit of work in which everything about one request or message happens."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

import asyncpg
from sqlalchemy import CursorResult, Executable, TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.messages import Command, Event
from shared.outbox.tables import write_outbox
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.service import Runtime

RETRIED = {"40001", "40P01"}  # serialization failure, deadlock: the transaction did nothing and may be run again
TRANSIENT = {"55P03", "25P03", "25006", "3D000"}  # lock timeout, idled too long, a standby, a database being restored
TRANSIENT_CLASSES = {"08", "40", "53", "57", "58"}  # connections, rollbacks, resources, operators, the system beneath
ATTEMPTS = 8

P = ParamSpec("P")
T = TypeVar("T")
Rows = Sequence[Mapping[str, Any]]


def open_engine(url: str, pool_size: int = 10) -> AsyncEngine:
    """An engine on asyncpg. No transaction of ours may idle or wait for a lock for long: it would hold up a freeze."""
    return create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1).replace("postgres://", "postgresql+asyncpg://", 1),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=10,
        connect_args={
            "timeout": 10,
            "server_settings": {
                "application_name": "holdfast",
                "idle_in_transaction_session_timeout": "5000",
                "lock_timeout": "4000",
                "statement_timeout": "120000",
                "jit": "off",
            },
        },
    )


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE behind an error of SQLAlchemy or asyncpg."""
    return getattr(_original(error), "sqlstate", None)


def _original(error: BaseException) -> BaseException | None:
    """What asyncpg raised, beneath the two wrappings of SQLAlchemy."""
    return (error.orig and error.orig.__cause__) or error.orig if isinstance(error, DBAPIError) else error


def is_transient(error: BaseException) -> bool:
    """True where the database, not the request, is the cause: trying again later is the cure."""
    if isinstance(error, OSError | PoolTimeoutError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        return True
    original = _original(error)
    if isinstance(original, asyncpg.InternalClientError):
        return True  # the connection was ended between two statements
    if isinstance(original, asyncpg.InterfaceError):
        return "closed" in str(original)  # the others say that asyncpg was used wrongly: a fault of the code
    state = sqlstate(error)
    return state is not None and (state in TRANSIENT or state[:2] in TRANSIENT_CLASSES)


@dataclass(frozen=True)
class Outgoing:
    """A message with what it follows from: in a batch every message received causes its own."""

    message: Event | Command
    cause: str | None
    traceparent: str | None


@lru_cache(maxsize=1_000)
def _parsed(sql: str) -> TextClause:
    """Finding the parameters in a text takes as long as a look-up in the database."""
    return text(sql)


@dataclass
class UnitOfWork:
    """One transaction: rows, journal and outgoing messages commit together or not at all. Handlers never commit.

    `actor` is the employee id or service name on whose behalf it happens; `now` is read once.
    """

    connection: AsyncConnection
    settings: Settings
    service: str
    now: datetime
    actor: str
    cause: str | None = None
    traceparent: str | None = None
    outgoing: list[Outgoing] = field(default_factory=list)

    async def execute(self, statement: Executable | str, parameters: Any = None, /, **named: Any) -> CursorResult[Any]:
        """Runs a statement; a string is SQL with `:name` parameters given as keywords."""
        if isinstance(statement, str):
            statement = _parsed(statement)
        return await self.connection.execute(statement, parameters if parameters is not None else (named or None))

    async def rows(self, statement: Executable | str, **named: Any) -> Rows:
        return cast(Rows, (await self.execute(statement, **named)).mappings().all())

    async def row(self, statement: Executable | str, **named: Any) -> Mapping[str, Any] | None:
        return cast("Mapping[str, Any] | None", (await self.execute(statement, **named)).mappings().first())

    async def scalar(self, statement: Executable | str, **named: Any) -> Any:
        return (await self.execute(statement, **named)).scalar()

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
    runtime: "Runtime", actor: str, cause: str | None = None, traceparent: str | None = None
) -> AsyncIterator[UnitOfWork]:
    """A transaction that commits when the block ends well and rolls back otherwise."""
    async with runtime.engine.connect() as connection:
        work = UnitOfWork(
            connection, runtime.settings, runtime.service.name, runtime.clock(), actor, cause, traceparent
        )
        yield work
        await write_outbox(work)
        await connection.commit()
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
        except DBAPIError as error:
            if sqlstate(error) not in RETRIED or attempt == ATTEMPTS:
                raise
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter, so that two do not meet again
    raise AssertionError("unreachable")
